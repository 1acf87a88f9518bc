"""Every budget that input is held to, in one table. Messages name the limit; docs/spec/limits.md explains each."""

from __future__ import annotations

from typing import Final

DOCUMENT_BYTES: Final = 1 << 20  # one YAML file
DOCUMENT_DEPTH: Final = 64  # nested mappings and sequences
DOCUMENT_PROBLEMS: Final = 1000  # listed of one file, by each of its readings
DOCUMENT_ALIASES: Final = 100  # uses of `*anchor` in one file
ALIAS_EXPANSION: Final = 10  # nodes after expansion / nodes written
BLOB_BYTES: Final = 8 << 20  # any file of the configuration
TREE_ENTRIES: Final = 200_000
TREE_DEPTH: Final = 16
DEPLOYED_ENTRIES: Final = 2_000_000  # of a deployed ref: a thousand tenants' bundles
DEPLOYED_DEPTH: Final = TREE_DEPTH + 4  # <tenant>/<consumer>/config/ come on top
NAME_BYTES: Final = 128  # one path segment
KEY_BYTES: Final = 256  # one mapping key
COMMIT_MESSAGE_BYTES: Final = 1 << 20
HISTORY_COMMITS: Final = 10_000  # looked at by `history` before it says it stopped
BISECT_SECONDS: Final = 600  # of one run of the test of `bisect`
BISECT_VARIABLE_BYTES: Final = 100_000  # systems pass on variables of up to 128 KiB
TEMPLATE_SECONDS: Final = 2  # CPU time of one batch of renderings, per output
TEMPLATE_MEMORY: Final = 512 << 20  # address space that a rendering worker may add
OUTPUT_BYTES: Final = 1 << 20  # one rendered file
EXTENDS_DEPTH: Final = 32  # patterns under patterns, references to references
EXTENDS_COUNT: Final = 10_000  # patterns laid for one document
INHERITANCE_DEPTH: Final = 32  # environments or tenants, each inheriting the one before
SCOPES: Final = 250_000  # environments times tenants
RESOLVED_BYTES: Final = 16 << 20  # text that references may expand to in one document
AGE_RECIPIENTS: Final = 32  # of one age file; opening as the last of n costs n²
AGE_HEADER_BYTES: Final = 16 << 10
AGE_LARGE_HEADER_BYTES: Final = 64 << 10  # with post-quantum or RSA stanzas, which are large but of fixed size
IDENTITY_FILE_BYTES: Final = 1 << 20
OPENED_BUNDLE_BYTES: Final = 256 << 20  # all files of a bundle that is opened from its folder
CACHE_BYTES: Final = 512 << 20  # of one repository's cache, for one engine
CACHE_DRAWER_FACTS: Final = 1 << 15  # of one of the 64 drawers of a cache
CACHE_STAMPS: Final = 64  # answers that are given again when nothing changed, of all repositories
SOPS_FILE_BYTES: Final = 32 << 20
SOPS_DEPTH: Final = 100  # nested mappings and lists of a SOPS file
SOPS_ALIAS_EXPANSION: Final = 10  # nodes after expansion / nodes written, once there are a thousand
SOPS_RECIPIENTS_TRIED: Final = 256  # wrapped data keys of one file that are tried
BUNDLE_FILE_BYTES: Final = 4 << 30  # one target's mapped file
BUNDLE_PARTS: Final = 1_000_000  # documents and rendered files of one target
BUNDLE_PART_BYTES: Final = 64 << 20  # one of them: what a document may come to in JSON
BUNDLE_NAME_BYTES: Final = 4 << 10  # the path of one of them
BUNDLE_HEAD_BYTES: Final = 8 << 10  # with signatures
BUNDLE_ENVELOPE_BYTES: Final = 256 << 10  # the signed statement beside a plain bundle
HEARTBEAT_BYTES: Final = 16 << 10  # with signatures
TRUST_ROOT_BYTES: Final = 1 << 20  # one version of the root of trust, with signatures
BUNDLE_DICTIONARY_BYTES: Final = 64 << 10
BUNDLE_DEPTH: Final = 256  # nodes of the digest tree above one another
DELTA_BYTES: Final = 64 << 20  # what leads from one bundle to the next
AGENT_CONNECTIONS: Final = 1000  # programs at one socket
AGENT_CONNECTIONS_OF_USER: Final = 500
AGENT_REQUEST_BYTES: Final = 4 << 10  # what a program may say at once
AGENT_ANSWER_BYTES: Final = 128 << 10  # what an agent says at once, without what it hands over
AGENT_OPENED_BYTES: Final = 64 << 20  # opened secrets and outputs of one bundle
AGENT_DELTAS: Final = (
    256  # that a program takes before all of the bundle comes anew, so that it keeps no more than that many documents
)
SCAN_BYTES: Final = 32 << 20  # of one file that is looked through for secrets; the rest is not
SCAN_NAMED_BYTES: Final = 1 << 20  # a larger file is looked through for shapes of secrets only
REMOTE_REFS: Final = 100_000  # branches and tags of a remote
REMOTE_TAGS: Final = 50  # newest versions of a tracked glob that are taken over
DELIVERY_BYTES: Final = 64 << 20  # of one request to an endpoint
POLICY_SECONDS: Final = 2  # CPU time of all policies on one input
POLICY_MEMORY: Final = 512 << 20  # address space that evaluating policies may add
POLICY_OUTPUT_BYTES: Final = 1 << 20  # what one policy gives for one input
REPORT_BYTES: Final = 64 << 20  # a report that is posted
FORGE_ANSWER_BYTES: Final = 16 << 20  # of a forge's API
AUDIT_LINE_BYTES: Final = 64 << 10  # one entry
AUDIT_TEXT_CHARACTERS: Final = 1000  # of a text in an entry; the digest stands for the rest
AUDIT_SEGMENT_BYTES: Final = 4 << 20  # one file of a log
AUDIT_SECONDS: Final = 2  # until an act is refused because its entry cannot be written
