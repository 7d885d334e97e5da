# Whether a JSON text (a file, or the last line of it with "last") is as its schema says:
# python3 validate.py SCHEMA.json FILE [last]. References are to schemas beside the first.
import json
import os
import sys

import jsonschema

folder = os.path.dirname(sys.argv[1])


def load(name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


store = {name: load(name) for name in os.listdir(folder) if name.endswith(".json")}
for name in store:
    jsonschema.Draft202012Validator.check_schema(store[name])
schema = store[os.path.basename(sys.argv[1])]
text = open(sys.argv[2], encoding="utf-8").read()
value = json.loads(text.strip().split("\n")[-1] if "last" in sys.argv[3:] else text)
resolver = jsonschema.RefResolver("", schema, store=store)
errors = list(jsonschema.Draft202012Validator(schema, resolver=resolver).iter_errors(value))
for error in errors:
    print("%s: %s" % ("/".join(map(str, error.absolute_path)), error.message[:300]), file=sys.stderr)
sys.exit(1 if errors else 0)
