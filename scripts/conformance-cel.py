#!/usr/bin/env python3
"""Runs cel-spec's simple tests: conformance-cel.py BINARY FOLDER.

FOLDER holds NAME.textproto, each a SimpleTestFile. All expressions are evaluated in one run of `bulwark cel eval --batch`.
Expressions are checked first unless a test says not to; deduced types count. Left out is what needs protobuf messages, which
Kubernetes does not enable: told by what a test itself uses. Types of variables that are messages are declared.
"""
import base64
import json
import math
import os
import pathlib
import re
import subprocess
import sys

TOKEN = re.compile(r"""\s+|\#[^\n]*|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<word>[A-Za-z0-9_.+\-/]+)|(?P<mark>[{}\[\]:,<>;])""")
ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "\\": 92, '"': 34, "'": 39, "?": 63}


def unquote(text):
    out, body, at = bytearray(), text[1:-1].encode(), 0
    while at < len(body):
        if body[at] != 92:
            out.append(body[at])
            at += 1
            continue
        letter = chr(body[at + 1])
        if letter in ESCAPES:
            out.append(ESCAPES[letter])
            at += 2
        elif letter in "xX":
            digits = re.match(rb"[0-9a-fA-F]{1,2}", body[at + 2:]).group()
            out.append(int(digits, 16))
            at += 2 + len(digits)
        elif letter in "uU":
            size = 4 if letter == "u" else 8
            out += chr(int(body[at + 2:at + 2 + size], 16)).encode("utf-8", "surrogatepass")
            at += 2 + size
        else:
            digits = re.match(rb"[0-7]{1,3}", body[at + 1:]).group()
            out.append(int(digits, 8) & 255)
            at += 1 + len(digits)
    return bytes(out)


class Reader:
    """Text format of protobuf, as lists of (name, value)."""

    def __init__(self, text):
        self.tokens, at = [], 0
        while at < len(text):
            match = TOKEN.match(text, at)
            if not match:
                raise ValueError(f"cannot read {text[at:at + 40]!r}")
            if match.lastgroup:
                self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else (None, None)

    def take(self):
        token = self.peek()
        self.at += 1
        return token

    def fields(self, end=None):
        found = []
        while self.peek()[0] and self.peek()[1] != end:
            name = self.take()[1]
            if name == "[":
                name = ""
                while self.peek()[1] != "]":
                    name += self.take()[1]
                self.take()
            if self.peek()[1] == ":":
                self.take()
            for value in self.values():
                found.append((name, value))
            if self.peek()[1] in (",", ";"):
                self.take()
        self.take()
        return found

    def values(self):
        kind, text = self.peek()
        if text == "[" and kind == "mark":
            self.take()
            found = []
            while self.peek()[1] != "]":
                found += self.values()
                if self.peek()[1] == ",":
                    self.take()
            self.take()
            return found
        return [self.value()]

    def value(self):
        kind, text = self.take()
        if kind == "mark":
            return self.fields("}" if text == "{" else ">")
        if kind == "string":
            parts = unquote(text)
            while self.peek()[0] == "string":
                parts += unquote(self.take()[1])
            return parts
        return text


def get(fields, name, default=None):
    return next((value for key, value in fields if key == name), default)


class Unsupported(Exception):
    pass


def time(fields, name):
    return {name: [int(get(fields, "seconds", "0")), int(get(fields, "nanos", "0"))]}


def tagged(fields):
    """A cel.expr.Value as the binary reads and writes it."""
    (name, value), = fields if fields else [("null_value", "0")]
    if name == "null_value":
        return {"null": None}
    if name == "bool_value":
        return {"bool": value == "true"}
    if name == "int64_value":
        return {"int": str(int(value, 0))}
    if name == "uint64_value":
        return {"uint": str(int(value, 0))}
    if name == "double_value":
        return {"double": value.lower().replace("infinity", "inf")}
    if name == "string_value":
        return {"string": value.decode("utf-8", "replace")}
    if name == "bytes_value":
        return {"bytes": base64.b64encode(value).decode()}
    if name == "type_value":
        return {"type": value.decode()}
    if name == "list_value":
        return {"list": [tagged(v) for k, v in value if k == "values"]}
    if name == "map_value":
        return {"map": [[tagged(get(v, "key")), tagged(get(v, "value"))] for k, v in value if k == "entries"]}
    if name == "object_value":
        inner = value[0] if value else ("", [])
        kind = inner[0].rsplit("/", 1)[-1]
        body = inner[1]
        plain = {
            "google.protobuf.BoolValue": ("bool_value", "false"), "google.protobuf.Int32Value": ("int64_value", "0"),
            "google.protobuf.Int64Value": ("int64_value", "0"), "google.protobuf.UInt32Value": ("uint64_value", "0"),
            "google.protobuf.UInt64Value": ("uint64_value", "0"), "google.protobuf.DoubleValue": ("double_value", "0"),
            "google.protobuf.FloatValue": ("double_value", "0"), "google.protobuf.StringValue": ("string_value", b""),
            "google.protobuf.BytesValue": ("bytes_value", b""),
        }
        if kind in plain:
            name, default = plain[kind]
            return tagged([(name, get(body, "value", default))])
        if kind == "google.protobuf.Timestamp":
            return time(body, "timestamp")
        if kind == "google.protobuf.Duration":
            return time(body, "duration")
        if kind in ("google.protobuf.Value", "google.protobuf.Struct", "google.protobuf.ListValue"):
            return dynamic(kind.rsplit(".", 1)[1], body)
        raise Unsupported("uses protobuf messages")
    raise Unsupported(f"expects {name}")


def dynamic(kind, fields):
    if kind == "Struct":
        return {"map": [[{"string": get(v, "key", b"").decode()}, dynamic("Value", get(v, "value", []))]
                        for k, v in fields if k == "fields"]}
    if kind == "ListValue":
        return {"list": [dynamic("Value", v) for k, v in fields if k == "values"]}
    (name, value), = fields if fields else [("null_value", "0")]
    return {
        "null_value": lambda: {"null": None}, "bool_value": lambda: {"bool": value == "true"},
        "number_value": lambda: {"double": value}, "string_value": lambda: {"string": value.decode()},
        "struct_value": lambda: dynamic("Struct", value), "list_value": lambda: dynamic("ListValue", value),
    }[name]()


def same(want, got):
    (kind, a), = want.items()
    (other, b), = got.items()
    if kind != other:
        return False
    if kind == "double":
        x, y = float(a), float(b)
        return math.isnan(x) and math.isnan(y) or x == y
    if kind == "list":
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if kind == "map":
        return len(a) == len(b) and all(any(same(k, l) and same(v, w) for l, w in b) for k, v in a)
    return a == b


PRIMITIVES = {"BOOL": "bool", "INT64": "int", "UINT64": "uint", "DOUBLE": "double", "STRING": "string", "BYTES": "bytes"}


def type_text(fields):
    """A cel.expr.Type as the binary reads and writes it."""
    (name, value), = fields
    if name == "primitive":
        return PRIMITIVES[value]
    if name == "wrapper":
        return f"wrapper({PRIMITIVES[value]})"
    if name in ("dyn", "null"):
        return name
    if name == "well_known":
        return {"ANY": "dyn", "TIMESTAMP": "google.protobuf.Timestamp", "DURATION": "google.protobuf.Duration"}[value]
    if name == "list_type":
        return f"list({type_text(get(value, 'elem_type'))})"
    if name == "map_type":
        return f"map({type_text(get(value, 'key_type'))}, {type_text(get(value, 'value_type'))})"
    if name == "type":
        return f"type({type_text(value)})" if value else "type"
    if name in ("message_type", "type_param"):
        return value.decode()
    if name == "abstract_type":
        inner = [type_text(v) for k, v in value if k == "parameter_types"]
        label = get(value, "name").decode()
        return f"{label}({', '.join(inner)})" if inner else label
    raise Unsupported(f"declares {name}")


def declarations(test):
    """The variables and functions of a test's type_env."""
    types, functions = {}, {}
    for key, declared in test:
        if key != "type_env":
            continue
        name = get(declared, "name").decode()
        if get(declared, "ident") is not None:
            types[name] = type_text(get(get(declared, "ident"), "type"))
        for kind, overload in get(declared, "function", []):
            if kind == "overloads":
                functions.setdefault(name, []).append({
                    "parameters": [type_text(v) for k, v in overload if k == "params"],
                    "result": type_text(get(overload, "result_type"))})
    return types, functions


def test_messages():
    """The fields of cel-spec's TestAllTypes, which follow its naming."""
    scalars = {"int32": "int", "int64": "int", "uint32": "uint", "uint64": "uint", "float": "double", "double": "double",
               "bool": "bool", "string": "string", "bytes": "bytes", "timestamp": "timestamp", "duration": "duration"}
    found = {}
    for name in ("cel.expr.conformance.proto2.TestAllTypes", "cel.expr.conformance.proto3.TestAllTypes"):
        nested = name + ".NestedMessage"
        fields = {"single_nested_message": nested, "repeated_nested_message": f"list({nested})"}
        for scalar, kind in scalars.items():
            fields["single_" + scalar] = kind
            fields["repeated_" + scalar] = f"list({kind})"
            if scalar not in ("timestamp", "duration"):
                fields[f"single_{scalar}_wrapper"] = f"wrapper({kind})"
        found[name], found[nested] = fields, {"bb": "int"}
    return found


def messages(expression, container):
    """Whether an expression names a message, enum or extension of protobuf."""
    text = container + " " + expression
    if re.search(r"TestAllTypes|NestedTestAllTypes|GlobalEnum|cel\.expr\.conformance|proto\.(has|get)Ext", text):
        return True
    return bool(re.search(r"google\.protobuf\.(Any|FieldMask|Empty)\b", text))


def main():
    binary, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    cases, skipped, requests = [], {}, []
    for file in sorted(folder.glob("*.textproto")):
        for name, section in Reader(file.read_text()).fields():
            if name != "section":
                continue
            for kind, test in section:
                if kind != "test":
                    continue
                label = f"{file.stem}/{get(section, 'name', b'').decode()}/{get(test, 'name', b'').decode()}"
                expression = get(test, "expr", b"").decode()
                container = get(test, "container", b"").decode()
                try:
                    if messages(expression, container):
                        raise Unsupported("uses protobuf messages")
                    types, functions = declarations(test)
                    check_only = get(test, "check_only") == "true"
                    deduced = get(get(test, "typed_result", []), "deduced_type")
                    deduced = type_text(deduced) if deduced is not None else None
                    bindings = {}
                    for key, binding in test:
                        if key == "bindings":
                            value = get(get(binding, "value", []), "value", [])
                            bindings[get(binding, "key").decode()] = tagged(value)
                    want = None
                    if get(test, "eval_error") is None and get(test, "any_eval_errors") is None:
                        result = get(test, "typed_result")
                        want = get(result, "result", []) if result is not None else get(test, "value")
                        want = None if check_only else {"bool": True} if want is None else tagged(want)
                except Unsupported as why:
                    skipped[str(why)] = skipped.get(str(why), 0) + 1
                    print(f"SKIP {label}: {why}")
                    continue
                cases.append((label, expression, want, deduced, check_only))
                request = {"expr": expression, "container": container, "bindings": bindings}
                if get(test, "disable_check") != "true":
                    request |= {"check": True, "types": types, "functions": functions, "typeOnly": check_only}
                    if any("TestAllTypes" in text for text in types.values()):
                        request["objects"] = test_messages()
                requests.append(json.dumps(request))
    if not cases:
        print(f"no tests in {folder}")
        return 1
    done = subprocess.run([binary, "cel", "eval", "--batch", "-"], input="\n".join(requests) + "\n", capture_output=True,
                          text=True, timeout=600)
    answers = done.stdout.splitlines()
    if len(answers) != len(cases):
        print(f"exit {done.returncode} after {len(answers)} of {len(cases)} tests: {done.stderr.strip()[-1000:]}")
        return 1
    passed = failed = 0
    for (label, expression, want, deduced, check_only), line in zip(cases, answers):
        answer = json.loads(line)
        if check_only:
            good = answer.get("type") == deduced
            want = {"type": deduced}
        else:
            good = "error" in answer if want is None else "value" in answer and same(want, answer["value"])
            good = good and (deduced is None or answer.get("type") == deduced)
        if good:
            passed += 1
        else:
            failed += 1
            print(f"FAIL {label}: {expression[:120]!r}: expected {json.dumps(want) if want else 'an error'}, got {line[:200]}")
    print(f"{passed} passed, {failed} failed, {sum(skipped.values())} skipped")
    return 1 if failed else 0


sys.exit(main())
