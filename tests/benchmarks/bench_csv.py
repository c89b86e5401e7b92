"""`greenlane import csv` on a large table, as a process of its own: `make bench-csv`, ROWS=1000000 for the large one.

Writes a Vietnamese shop's CSV (16 columns, semicolons, decimal commas, names of provinces, a packed and a delivered
event a row), and imports it with `--events`. Prints one JSON object on its last line. `rows_per_second` is by the clock
on the wall, start of the process included; `rows_per_cpu_second` by the process's own CPU time, which other work on
the machine does not disturb. `memory_mb` is what the process held at a quarter of its time and at its end.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROWS = int(os.environ.get("ROWS", "200000"))
HEADER = (
    "Mã vận đơn;Mã shop;Ngày đóng gói;Số lượng;Khối lượng sản phẩm (kg);Kích thước thùng (cm);Loại bao bì;Chất liệu;"
    "Khối lượng thùng (g);Ngày giao;Khối lượng kiện (kg);Số lần giao;Tỉnh gửi;Tỉnh nhận;Phương tiện;Người nhận\n"
)
MAPPING = """
mapping: 1
marketplace: demo-vn
country: VN
zone: "+07:00"
decimal: ","
date: DD/MM/YYYY
facts:
  parcel_id: Mã vận đơn
  seller_id: Mã shop
  packed.time: Ngày đóng gói
  packed.item.quantity: Số lượng
  packed.item.mass: {column: Khối lượng sản phẩm (kg), unit: kg}
  packed.outer.size: {column: Kích thước thùng (cm), unit: cm}
  packed.outer.kind: Loại bao bì
  packed.component.role: {value: outer}
  packed.component.material: Chất liệu
  packed.component.mass: {column: Khối lượng thùng (g), unit: g}
  delivered.time: Ngày giao
  delivered.mass: {column: Khối lượng kiện (kg), unit: kg}
  delivered.attempts: Số lần giao
  delivered.origin.province: Tỉnh gửi
  delivered.destination.province: Tỉnh nhận
  delivered.last_mile.vehicle: Phương tiện
"""
PLACES = ("Hà Nội", "TP. Hồ Chí Minh", "Đà Nẵng", "Tỉnh Bình Dương", "dong nai", "Cần Thơ", "Hải Phòng", "Nghệ An")
KINDS = ("Hộp", "Túi nilon", "Thùng carton")
MATERIALS = ("Thùng carton", "Túi nilon", "Giấy kraft", "Xốp hơi")
VEHICLES = ("xe máy xăng", "xe máy điện", "xe đạp")


def write_table(path: Path, rows: int) -> None:
    """A table of so many rows, the same every time."""
    chance = random.Random(1)  # noqa: S311 - no secret
    first = datetime(2026, 1, 5, 8, tzinfo=UTC)
    with path.open("w", encoding="utf-8") as stream:
        stream.write(HEADER)
        for number in range(rows):
            packed = first + timedelta(minutes=number / 3)
            delivered = packed + timedelta(minutes=chance.randint(600, 6000))
            sides = "x".join(str(chance.randint(8, 50)) for _ in range(3))
            grams = chance.randint(50, 4000)
            cells = (
                f"VD{number:09}",
                f"shop-{chance.randint(1, 400)}",
                f"{packed:%d/%m/%Y %H:%M}",
                str(chance.randint(1, 3)),
                f"{grams / 1000:.3f}".replace(".", ","),
                sides,
                chance.choice(KINDS),
                chance.choice(MATERIALS),
                str(chance.randint(10, 300)),
                f"{delivered:%d/%m/%Y %H:%M}",
                f"{(grams + 150) / 1000:.3f}".replace(".", ","),
                str(chance.randint(1, 3)),
                chance.choice(PLACES),
                chance.choice(PLACES),
                chance.choice(VEHICLES),
                f"Người nhận {number}",
            )
            stream.write(";".join(cells) + "\n")


def resident_mb(pid: int) -> float | None:
    """Memory of a process in MB; None when it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Write, import, measure."""
    with tempfile.TemporaryDirectory() as folder:
        table, mapping = Path(folder, "orders.csv"), Path(folder, "mapping.yaml")
        write_table(table, ROWS)
        mapping.write_text(MAPPING, encoding="utf-8")
        command = [sys.executable, "-m", "greenlane", "import", "csv", str(table), "--mapping", str(mapping), "--json"]
        before = os.times()
        began = time.monotonic()
        process = subprocess.Popen([*command, "--events", str(Path(folder, "events.jsonl"))], stdout=subprocess.PIPE)
        memory: list[float] = []
        while process.poll() is None:
            held = resident_mb(process.pid)
            if held:
                memory.append(held)
            time.sleep(0.1)
        seconds = time.monotonic() - began
        after = os.times()
        assert process.stdout is not None, "it was asked for"
        counts = json.loads(process.stdout.read().splitlines()[-1])
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        assert (counts["written"], counts["refused"]) == (2 * ROWS, 0), counts
    result = {
        "rows": ROWS,
        "rows_per_second": round(ROWS / seconds),
        "rows_per_cpu_second": round(ROWS / cpu),
        "events_per_second": round(2 * ROWS / seconds),
        "memory_mb": {"quarter": round(memory[len(memory) // 4], 1), "end": round(memory[-1], 1)},
        "seconds": round(seconds, 1),
    }
    print(json.dumps(result))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
