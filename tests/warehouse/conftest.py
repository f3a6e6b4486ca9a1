import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tiny_shop import ORDERS, TinyShop


@pytest.fixture
def shop(tmp_path: Path) -> TinyShop:
    """The tiny shop, with its orders landed and nothing built."""
    shop = TinyShop(tmp_path)
    shop.write_sql()
    shop.land(ORDERS)
    return shop
