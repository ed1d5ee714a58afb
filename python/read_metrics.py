"""What Prometheus's own parser reads from text files of metrics, for the Go tests: a JSON object by file and family.

    read_metrics.py FILE...
"""
import json
import sys

from prometheus_client.parser import text_string_to_metric_families


def families(path):
    with open(path) as f:
        return {
            family.name: {
                "help": family.documentation,
                "type": family.type,
                "samples": [{"name": s.name, "labels": s.labels, "value": s.value} for s in family.samples],
            }
            for family in text_string_to_metric_families(f.read())
        }


if __name__ == "__main__":
    json.dump({path: families(path) for path in sys.argv[1:]}, sys.stdout)
