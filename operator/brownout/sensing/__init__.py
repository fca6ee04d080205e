"""What the node and the processes really use, by psutil, cgroups and PSI. It judges nothing."""
