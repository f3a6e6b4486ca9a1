import shutil
import sys
from pathlib import Path

import pytest

from warehouse.ask import Warehouse

sys.path.insert(0, str(Path(__file__).parent))

from tiny_shop import ORDERS, TinyShop


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of the tiny shop, with its orders landed and nothing built; to be copied."""
    shop = TinyShop(tmp_path_factory.mktemp("landed"))
    shop.write_sql()
    shop.land(ORDERS)
    return shop.root


@pytest.fixture(scope="session")
def built(landed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the same shop with a published build; to be copied."""
    shop = TinyShop(Path(shutil.copytree(landed, tmp_path_factory.mktemp("built") / "shop")))
    shop.build()
    return shop.data


@pytest.fixture
def shop(landed: Path, tmp_path: Path) -> TinyShop:
    """The tiny shop, with its orders landed and nothing built."""
    shutil.copytree(landed, tmp_path, dirs_exist_ok=True)
    return TinyShop(tmp_path)


@pytest.fixture
def warehouse(shop: TinyShop, built: Path) -> Warehouse:
    """The door to a published build of that shop."""
    shutil.copytree(built, shop.data, symlinks=True, dirs_exist_ok=True)
    return Warehouse(shop.data, shop.settings.engine, sql_root=shop.sql)
