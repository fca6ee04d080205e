"""Which home to run, and why: said once at the start, so that nobody has to guess."""

from brownout.bootstrap.settings import HomeMode, Settings
from brownout.core.errors import HomeUnavailable


async def choose(settings: Settings) -> tuple[HomeMode, str]:
    """The home and the sentence that says why. Raises HomeUnavailable when there is neither.

    A directory on the command line is the box: whoever names files means them. Without one, auto takes the cluster if
    one is configured and answers. kopf is imported only when a cluster is asked for: it takes 40 MB.
    """
    if settings.mode is HomeMode.LOCAL:
        return HomeMode.LOCAL, "--mode local"
    if settings.mode is HomeMode.KUBE:
        return HomeMode.KUBE, "--mode kube"
    if settings.directory is not None:
        return HomeMode.LOCAL, "a directory is named"
    from brownout.bootstrap.cluster import answers  # noqa: PLC0415 - see above

    found, why = await answers(settings)
    if found:
        return HomeMode.KUBE, why
    raise HomeUnavailable(f"no directory is named (brownout run DIR), and there is no cluster to use: {why}")
