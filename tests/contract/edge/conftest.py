from collections.abc import Iterator

import pytest

from tests.contract.edge.edge_lab import EdgeLab, edge_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeLab]:
    """One edge for all tests: each adds its own load balancers and addresses."""
    with edge_lab(tmp_path_factory.mktemp("edge")) as made:
        yield made
        # Whatever the tests wanted, Envoy could make sense of it.
        assert made.status()["rejected"] == {}


@pytest.fixture
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeLab]:
    """An edge for a test that breaks it."""
    with edge_lab(tmp_path_factory.mktemp("own-edge")) as made:
        yield made
