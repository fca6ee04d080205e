"""The one place where Kubernetes 1.20 does not work as a newer Go compiles it, put right.

Its vendored reflect2 1.0.1 calls `reflect.mapiterinit` with two arguments; since Go 1.18 it takes three, and the
caller gives the iterator, which must be as large as the runtime's. Unpatched, the server starts, and dies of a
segmentation fault at the first custom resource it stores. The change is that of reflect2 1.0.2
(https://github.com/modern-go/reflect2/issues/24, pull request 25).
"""

from __future__ import annotations

from pathlib import Path

from tests.apiserver.sources import BuildError

FOLDER = "vendor/github.com/modern-go/reflect2"

# runtime.hiter of Go 1.18 to 1.23 after its first two fields.
REST_OF_ITERATOR = """\
	t, h, buckets, bptr   unsafe.Pointer
	overflow, oldoverflow *[]unsafe.Pointer
	startBucket           uintptr
	offset                uint8
	wrapped               bool
	B, i                  uint8
	bucket, checkBucket   uintptr
"""

THREE_ARGUMENTS = """\
func mapiterinit(rtype unsafe.Pointer, m unsafe.Pointer, it *hiter)

func newIterator(rtype unsafe.Pointer, m unsafe.Pointer) *hiter {
	it := new(hiter)
	mapiterinit(rtype, m, it)
	return it
}
"""

# File, what stands there once, what shall stand there.
CHANGES = (
    ("unsafe_link.go", "\t// rest fields are ignored\n", REST_OF_ITERATOR),
    ("unsafe_link.go", "func mapiterinit(rtype unsafe.Pointer, m unsafe.Pointer) *hiter\n", THREE_ARGUMENTS),
    ("unsafe_map.go", "mapiterinit(type2.rtype,", "newIterator(type2.rtype,"),
)


def patch(tree: Path) -> None:
    """Changes the source in place; BuildError where it is not the one that this was written for."""
    for name, before, after in CHANGES:
        file = tree / FOLDER / name
        text = file.read_text()
        if text.count(before) != 1:
            raise BuildError(f"{file} is not the source that this patch was written for")
        file.write_text(text.replace(before, after))
