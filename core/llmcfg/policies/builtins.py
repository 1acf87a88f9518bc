"""The functions that policies may call: those of Rego whose result depends on their arguments alone, and that the engine has.

What is left out on purpose: clocks, random numbers, the environment, networks, files, keys and tokens. The engine takes a function that it
does not have for undefined, so a policy that calls one would never fire; hence the list, and a finding for every other name.
"""

from __future__ import annotations

from typing import Final

# fmt: off
ALLOWED: Final = frozenset([
    "abs", "ceil", "floor", "round", "max", "min", "sum", "product", "count", "sort", "numbers.range", "numbers.range_step",
    "bits.and", "bits.lsh", "bits.negate", "bits.or", "bits.rsh", "bits.xor",
    "array.concat", "array.reverse", "array.slice", "and", "or", "intersection", "union",
    "object.filter", "object.get", "object.keys", "object.remove", "object.subset", "object.union", "object.union_n",
    "graph.reachable", "graph.reachable_paths", "walk",
    "concat", "contains", "endswith", "format_int", "indexof", "indexof_n", "lower", "replace", "split", "sprintf", "startswith",
    "substring", "trim", "trim_left", "trim_prefix",
    "trim_right", "trim_space", "trim_suffix", "upper", "strings.any_prefix_match", "strings.any_suffix_match", "strings.count",
    "strings.replace_n", "strings.reverse",
    "glob.match", "glob.quote_meta", "regex.find_all_string_submatch_n", "regex.find_n", "regex.globs_match", "regex.is_valid",
    "regex.match", "regex.replace",
    "regex.split", "regex.template_match", "semver.compare", "semver.is_valid",
    "is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "to_number", "type_name",
    "base64.decode", "base64.encode", "base64.is_valid", "base64url.decode", "base64url.encode", "base64url.encode_no_pad",
    "hex.decode", "hex.encode",
    "json.filter", "json.is_valid", "json.marshal", "json.patch", "json.remove", "json.unmarshal", "urlquery.decode",
    "urlquery.decode_object", "urlquery.encode",
    "urlquery.encode_object", "yaml.is_valid", "yaml.marshal", "yaml.unmarshal",
    "crypto.hmac.equal", "crypto.sha256",
    "time.add_date", "time.clock", "time.date", "time.diff", "time.parse_duration_ns", "time.weekday", "units.parse",
    "units.parse_bytes",
])
# fmt: on

REFUSED: Final = {
    "http.send": "policies reach no network",
    "net.lookup_ip_addr": "policies reach no network",
    "opa.runtime": "it shows the environment of the process",
    "time.now_ns": "the same change gets the same verdict at any time; freeze windows are in policies/*.yaml",
    "rand.intn": "the same change gets the same verdict",
    "uuid.rfc4122": "the same change gets the same verdict",
    "print": "nobody would see it",
    "trace": "nobody would see it",
}
"""Why some functions that Rego has are not there."""
