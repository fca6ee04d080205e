"""`python -m brownout` is the command `brownout`; it knows nothing but where that is."""

from brownout.cli.app import main

main()
