"""Every test doubles as a shape test; users of the library pay nothing for it."""

import gc
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from fcmae.process_group import Peers

# Two threads per process would fight over the cores of small machines.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

install_import_hook("fcmae", "beartype.beartype")
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run every test but those of --slow")
    parser.addoption("--slow", action="store_true", help="run --all, and the tests of minutes each")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    import torch

    left_out = [item for item in items if not _wanted(item, config)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


def _wanted(item: pytest.Item, config: pytest.Config) -> bool:
    """True if the options or the test's own name on the command line ask for a test."""
    slow = config.getoption("--slow")
    if slow or any("::" in asked for asked in config.args):
        return True
    if item.get_closest_marker("slow"):
        return False
    marker = item.get_closest_marker("full")
    variant = getattr(getattr(item, "callspec", None), "id", None)
    return marker is None or config.getoption("--all") or variant in marker.kwargs.get("but", ())


def pytest_runtest_setup() -> None:
    """Lets the collector pass over all that was imported: no test goes through it again."""
    if not gc.get_freeze_count():  # a type checker, for one, undoes it
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def _seed() -> None:
    import torch

    torch.manual_seed(0)


@pytest.fixture
def on_processes() -> "Callable[[int, Callable[[Peers], Any]], list[Any]]":
    """Run a function as each of several processes would, in threads that gather for real."""

    import torch

    from fcmae.process_group import Peers

    def run(size: int, function: "Callable[[Peers], Any]") -> list[Any]:
        barrier, slots = threading.Barrier(size, timeout=200), [torch.empty(0)] * size

        def gather(rank: int, rows: "Tensor") -> "Tensor":
            slots[rank] = rows
            barrier.wait()
            together = torch.cat(slots)
            barrier.wait()
            return together

        def process(rank: int) -> Any:
            return function(Peers(rank=rank, size=size, gather=lambda rows: gather(rank, rows)))

        with ThreadPoolExecutor(size) as pool:
            return list(pool.map(process, range(size)))

    return run
