"""The table of bench/run: medians, ranges and ratios.

    table.py FOLDER OURS TOOL...     OURS may be empty: no ratios then
"""
import statistics
import sys

folder, ours, *tools = sys.argv[1:]
runs = {}
for tool in tools:
    with open("%s/%s.runs" % (folder, tool)) as f:
        runs[tool] = [tuple(map(float, line.split())) for line in f]


def median(tool, column):
    return statistics.median(run[column] for run in runs[tool])


def ratio(tool, column):
    if not ours or tool == ours:
        return ""
    return "%.2fx" % (median(tool, column) / median(ours, column))


print("%-10s %8s %17s %7s %8s %7s %7s %7s" %
      ("tool", "wall s", "(min to max)", "ratio", "cpu s", "ratio", "rss",
       "ratio"))
for tool in tools:
    walls = [run[0] for run in runs[tool]]
    print("%-10s %8.2f %8.2f %8.2f %7s %8.2f %7s %7.0f %7s" %
          (tool, median(tool, 0), min(walls), max(walls), ratio(tool, 0),
           median(tool, 1), ratio(tool, 1), median(tool, 2), ratio(tool, 2)))
