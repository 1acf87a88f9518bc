"""Every rule that a finding can name: what it means, why it is one, how it is mended. docs/spec/rules.md has one section each,
docs/spec/llm-rules.md those of `llmrules`.

Rule ids are stable: people write them into suppressions and CI filters.
"""

from __future__ import annotations

from typing import Final

from llmcfg.model.llmrules import LLM_RULES
from llmcfg.model.severity import Rule as Rule
from llmcfg.model.severity import Severity as Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

_RULES: Final = (
    # the Git tree
    Rule(
        "tree-name",
        _E,
        "file name that cannot travel",
        "Names such as .git, aux.yaml or ones with control characters hide files or break on some system.",
    ),
    Rule(
        "tree-mode",
        _E,
        "not a regular file or directory",
        "Symbolic links and submodules would let a repository read what is outside it.",
    ),
    Rule("tree-type", _E, "mode and object type disagree", "Git readers differ on what such an entry means."),
    Rule(
        "tree-order", _E, "duplicate or unsorted tree entries", "Git readers differ on which of two entries they see."
    ),
    Rule(
        "tree-collision",
        _E,
        "names that collide on some file systems",
        "On a case-folding or normalising file system one would overwrite the other.",
    ),
    Rule("tree-depth", _E, "directories nested too deep", "Deep trees are used to exhaust readers."),
    Rule("tree-count", _E, "too many files", "Huge trees are used to exhaust readers."),
    Rule("blob-size", _E, "file too large", "A configuration file of this size is a mistake or an attack."),
    Rule("blob-encoding", _E, "not UTF-8 text", "Readers guess differently at other encodings."),
    Rule(
        "blob-lfs-pointer",
        _E,
        "Git LFS pointer instead of content",
        "Configuration is read from Git itself; the large file is not there.",
    ),
    Rule("object-missing", _E, "Git object is missing", "The repository is incomplete: a partial clone, or damage."),
    Rule("object-corrupt", _E, "Git object is damaged", "Its content does not hash to its name."),
    Rule("conflict-markers", _E, "unresolved merge conflict", "Somebody committed the markers of a merge conflict."),
    # YAML
    Rule("yaml-syntax", _E, "not valid YAML", "The document cannot be read."),
    Rule(
        "yaml-empty",
        _E,
        "empty document",
        "An empty file is more often lost work than meant; write {} for an empty mapping.",
    ),
    Rule("yaml-root", _E, "document is not a mapping", "The path is the key, so a document must be a mapping of keys."),
    Rule("yaml-duplicate", _E, "duplicate key", "YAML readers differ on which of the two wins."),
    Rule(
        "yaml-key-type", _E, "key is not a string", "JSON, environment variables and templates know string keys only."
    ),
    Rule(
        "yaml-merge-key",
        _E,
        "merge key <<",
        "YAML 1.2 has no merge keys, and readers differ; $extends says the same everywhere.",
    ),
    Rule(
        "yaml-ambiguous",
        _E,
        "value that YAML readers take differently",
        "YAML 1.1 and 1.2 readers load it as different values.",
    ),
    Rule(
        "yaml-number",
        _E,
        "number that has no exact JSON form",
        "Integers beyond 2^53, NaN and infinities change their value on the way.",
    ),
    Rule(
        "yaml-tag",
        _E,
        "unknown tag",
        "Tags can make a reader run code; only !append, !prepend, !delete and !replace are known.",
    ),
    Rule(
        "yaml-tag-kind",
        _E,
        "merge tag on the wrong kind of value",
        "!append and !prepend stand before a list, !delete before nothing; !replace stands before any value.",
    ),
    Rule("yaml-directive", _E, "YAML directive", "%YAML and %TAG change what the rest of the file means."),
    Rule("yaml-documents", _E, "more than one document", "One file is one document; readers differ on the rest."),
    Rule("yaml-alias", _E, "alias expands too far", "A few aliases can expand to gigabytes."),
    Rule("yaml-anchor", _E, "anchor defined twice or alias to nothing", "What the alias means depends on the reader."),
    Rule("yaml-depth", _E, "nested too deep", "Deep nesting crashes YAML readers."),
    Rule("yaml-size", _E, "document too large", "One document of this size is a mistake or an attack; split it."),
    Rule("yaml-problems", _W, "too many problems to list", "So many most often have one cause."),
    Rule(
        "yaml-character",
        _E,
        "character that does not belong in configuration",
        "Control characters, NUL and lone surrogates hide text or break readers.",
    ),
    Rule(
        "yaml-direction",
        _W,
        "invisible text direction control",
        "It makes people who review the text see something else than programs read.",
    ),
    Rule("yaml-tab", _E, "tab used as white space", "YAML readers differ on tabs."),
    Rule(
        "prompt-file",
        _E,
        "version of a prompt that cannot be read as one",
        "It is YAML between --- lines, then messages; what is not understood would not be sent.",
    ),
    Rule("yaml-disagree", _E, "two YAML readers disagree", "What programs read here would depend on their library."),
    # names and layout
    Rule(
        "key-name",
        _E,
        "key that breaks the rules for names",
        "Keys become paths, variables and file names: no control or invisible characters, none empty, at most 256 bytes.",
    ),
    Rule(
        "key-reserved",
        _E,
        "key reserved for llmcfg",
        "$secret and $text mark references in bundles, so a document cannot hold keys of these names.",
    ),
    Rule(
        "layout-unknown",
        _W,
        "file that nothing reads",
        "It lies where no layer, consumer, schema or template is looked for, so it has no effect.",
    ),
    Rule(
        "layout-name",
        _E,
        "name of an environment, tenant or consumer breaks the rules",
        "Names become directories, refs and DNS labels.",
    ),
    Rule(
        "layer-unknown",
        _E,
        "overlay for an environment or tenant that the manifest does not name",
        "Its values would silently reach nobody.",
    ),
    Rule(
        "document-overlap",
        _E,
        "two documents define the same key",
        "a.yaml holding key b and a/b.yaml both define a.b; which one wins would be a guess.",
    ),
    # manifest and consumers
    Rule("manifest-missing", _E, "no llmcfg.yaml", "The manifest names the environments and tenants."),
    Rule(
        "manifest-invalid", _E, "manifest breaks its schema", "A manifest that is not understood cannot be built from."
    ),
    Rule(
        "manifest-inherits",
        _E,
        "environment or tenant inherits what is not there, or itself",
        "The order of layers would be undefined.",
    ),
    Rule("consumer-invalid", _E, "consumer breaks its schema", "A consumer that is not understood gets no bundle."),
    Rule(
        "consumer-unknown-name",
        _E,
        "consumer names an environment, tenant, template, schema or key that is not there",
        "The bundle would lack what the consumer needs.",
    ),
    Rule(
        "consumer-recipients",
        _W,
        "consumer that gets secrets and names no recipients",
        "Its bundle stays unsealed: it holds references, and nobody who gets it has the values.",
    ),
    Rule(
        "consumer-opened",
        _E,
        "opened output that nobody could open",
        "An opened output holds the values of secrets, so it exists only sealed to somebody.",
    ),
    # composition
    Rule(
        "merge-kind",
        _E,
        "overlay changes the kind of a value",
        "Programs that read a mapping break on a string; !replace says that it is meant.",
    ),
    Rule(
        "merge-delete-missing",
        _E,
        "!delete of what is not there",
        "It was renamed or mistyped, and the value that should go still stands.",
    ),
    Rule(
        "merge-append-missing",
        _W,
        "!append or !prepend to what is not there",
        "The list that it should extend does not exist beneath.",
    ),
    Rule("merge-list-key", _E, "list item lacks the key that the schema merges by", "Items are matched by that key."),
    Rule(
        "overlay-no-effect",
        _W,
        "overlay says what already holds",
        "A copy of the value beneath hides later changes to it.",
    ),
    Rule(
        "overlay-orphan",
        _W,
        "overlay document that overrides nothing, beside one of a similar name",
        "Its name is probably mistyped.",
    ),
    # extends and references
    Rule("extends-missing", _E, "$extends names what is not there", "There is nothing to lay beneath."),
    Rule("extends-kind", _E, "$extends needs key paths of mappings", "Only mappings can be laid beneath a mapping."),
    Rule("extends-cycle", _E, "$extends in a cycle", "Each would need the other first."),
    Rule(
        "param-missing",
        _E,
        "pattern parameter without a value",
        "The pattern says {{param:…}} and $with does not fill it.",
    ),
    Rule("param-unused", _W, "$with fills a parameter that the pattern does not have", "It is probably mistyped."),
    Rule("reference-syntax", _E, "malformed reference", "It looks like a reference but cannot be read as one."),
    Rule(
        "reference-slip",
        _W,
        "text that is almost a reference",
        "It is delivered as it stands: a program gets the braces, and no secret or value.",
    ),
    Rule(
        "reference-missing",
        _E,
        "reference to a configuration key that is not there",
        "The value would be empty where it is used.",
    ),
    Rule("reference-cycle", _E, "references in a cycle", "Each value would need the other first."),
    Rule("reference-kind", _E, "mapping or list referenced inside a text", "Only a scalar can become part of a text."),
    Rule("reference-limit", _E, "references expand too far", "A few references can expand to gigabytes."),
    Rule(
        "variable-missing",
        _E,
        "reference to a variable that is not set",
        "The manifest, environment and tenant do not define it.",
    ),
    Rule(
        "secret-missing",
        _E,
        "reference to a secret that is not there",
        "No secret file of this target's layers has that name.",
    ),
    Rule(
        "secret-duplicate", _E, "secret named in two files of one layer", "Which of the two is meant would be a guess."
    ),
    Rule(
        "secret-drop",
        _N,
        "secret in a drop file",
        "It counts already; whoever can open the file that it belongs in should fold it in.",
    ),
    Rule(
        "secret-expected",
        _E,
        "plain value where the schema wants a secret reference",
        "The value would be readable by everyone who reads the repository.",
    ),
    Rule(
        "secret-misplaced",
        _E,
        "secret reference where the schema forbids one",
        "This field is shown to people or logged.",
    ),
    Rule(
        "secret-plaintext",
        _E,
        "value that looks like a secret",
        "Whoever reads the repository, its history or a bundle has it.",
    ),
    Rule(
        "secret-file",
        _E,
        "secret file without encrypted values",
        "Values under secrets/ are encrypted with age in the SOPS format.",
    ),
    Rule(
        "secret-unset",
        _W,
        "secret that is named but has no value yet",
        "What refers to it cannot be deployed until it is set.",
    ),
    Rule(
        "secret-empty",
        _E,
        "reference to a secret that has no value",
        "Programs take an empty key for none, and send what they have by default to somebody else.",
    ),
    Rule(
        "secret-ciphertext",
        _E,
        "encrypted value where a program reads it",
        "ENC[AES256_GCM…] is decrypted in secret files only; here the program would take the ciphertext for the key.",
    ),
    # schemas
    Rule("secret-rules", _E, "mistake in .sops.yaml", "Nothing can be encrypted by rules that are not understood."),
    Rule("secret-no-rule", _E, "secret file that no creation rule matches", "Nothing says who may open it."),
    Rule(
        "secret-recipients",
        _E,
        "recipients are not those of the rule",
        "Somebody can open the file who should not, or cannot who should.",
    ),
    Rule(
        "secret-selection",
        _W,
        "file and rule differ on what is encrypted",
        "A new value may stay readable that the rule wants encrypted.",
    ),
    Rule(
        "secret-single",
        _N,
        "only one key opens the file",
        "Keys get lost, and what is encrypted for a lost key alone is lost too.",
    ),
    Rule(
        "secret-mixed",
        _W,
        "post-quantum recipients beside others",
        "Who keeps the file until quantum computers come opens it by the weakest of its recipients.",
    ),
    Rule(
        "secret-clear",
        _E,
        "readable value that the file's rule wants encrypted",
        "Whoever reads the repository has it, and sops refuses the file.",
    ),
    Rule("secret-token", _E, "encrypted value that cannot be opened", "It is damaged, or stands where none belongs."),
    Rule(
        "secret-nonce",
        _W,
        "nonce of an unusual length",
        "SOPS writes 32 bytes; another program wrote this, and short ones repeat by chance.",
    ),
    Rule(
        "secret-nonce-reuse",
        _E,
        "two values with one nonce",
        "Under the same data key, both values can be found out, and others forged.",
    ),
    Rule(
        "secret-repeated",
        _W,
        "ciphertext that stands twice",
        "Everybody sees that the two values are equal; of two files, that they share a data key.",
    ),
    Rule("secret-metadata", _E, "sops metadata is damaged", "The file cannot be opened, or not be trusted."),
    Rule("secret-unreadable", _E, "secret file that cannot be read", "Nobody can open it as it is."),
    Rule("secret-timestamp", _W, "time without quotes in the sops metadata", "sops refuses the file from 3.13 on."),
    Rule(
        "secret-colon",
        _W,
        "key with a colon in a secret file",
        "SOPS joins keys with colons, so `a:b` and `b` under `a` cannot be told apart.",
    ),
    Rule(
        "secret-comment-rule",
        _E,
        "comment in a list, and a rule on comments",
        "sops encrypts such a file and cannot open it again.",
    ),
    Rule(
        "secret-outside",
        _E,
        "SOPS file outside of secrets/",
        "It is read as plain configuration, and its values are delivered as the text ENC[…].",
    ),
    Rule(
        "secret-rotation-due",
        _W,
        "secret that has to get a new value",
        "Somebody knows the old one who should not: rotations.yaml says who and since when.",
    ),
    Rule(
        "secret-rotations",
        _E,
        "rotations.yaml breaks its form",
        "An entry that means nothing hides a secret that is due.",
    ),
    Rule("schema-violation", _E, "value breaks its schema", "The program that reads it would refuse or misread it."),
    Rule("schema-unknown-key", _E, "key that the schema does not know", "Nothing reads it; it is probably mistyped."),
    Rule("schema-required", _E, "required key is missing", "The program that reads it needs it."),
    Rule("schema-invalid", _E, "schema is not valid", "It cannot be used to check anything."),
    Rule(
        "schema-keyword", _W, "keyword that JSON Schema does not know", "It is probably mistyped, and checks nothing."
    ),
    Rule("schema-ref", _E, "schema refers outside the repository", "Validation never reads files or the network."),
    Rule("schema-draft", _E, "schema draft that is not supported", "Drafts differ in what the same keyword means."),
    Rule(
        "schema-pattern",
        _E,
        "pattern that cannot be matched in linear time",
        "A crafted value could stop the validator for hours.",
    ),
    Rule("schema-limit", _E, "schema takes too long or too much memory", "A crafted schema can take exponential time."),
    Rule("schema-missing", _E, "schema file is not there", "The manifest or a consumer names it."),
    Rule("schema-duplicate", _E, "two schemas with one $id", "Which of the two a $ref means would be a guess."),
    Rule("schema-unused", _N, "schema that nothing uses", "No document or consumer is checked by it."),
    # templates
    Rule("template-syntax", _E, "template cannot be parsed", "Nothing can be rendered from it."),
    Rule(
        "template-undefined", _E, "template uses what is not defined", "The value is not in what the consumer selects."
    ),
    Rule(
        "template-forbidden",
        _E,
        "template does what the sandbox forbids",
        "Templates see their target's configuration and nothing else.",
    ),
    Rule("template-limit", _E, "template needs too much memory or writes too much", "Templates are held to a budget."),
    Rule("template-timeout", _E, "template takes too long", "Templates are held to a budget."),
    Rule(
        "template-depth",
        _E,
        "template nests too deep or calls itself without end",
        "Deep nesting crashes template engines.",
    ),
    Rule(
        "template-worker",
        _E,
        "worker that renders templates died",
        "The machine stopped it, twice; the template itself may be sound.",
    ),
    Rule("template-missing", _E, "template file is not there", "A consumer or another template names it."),
    Rule(
        "template-failed",
        _E,
        "template failed",
        "A function of the template, or a built-in renderer, refused its input.",
    ),
    Rule("template-output", _E, "rendered file does not parse", "The program that reads it would refuse it."),
    # quotas
    Rule("quota-exceeded", _E, "tenant is over its quota", "The manifest limits keys, bytes and secrets of a tenant."),
    # policies of the repository
    Rule("policy-syntax", _E, "policy that cannot be read", "A policy that does not run denies nothing."),
    Rule("policy-metadata", _E, "annotation of a policy that cannot be read", "Its findings would lack what it says."),
    Rule(
        "policy-function",
        _E,
        "function that policies do not have",
        "The engine takes it for undefined, so the policy would never fire.",
    ),
    Rule(
        "policy-variable",
        _E,
        "name in a policy that is nothing",
        "The engine takes it for undefined, so the policy would never fire, or always.",
    ),
    Rule("policy-rule", _E, "policy that is no set", "Only what a set holds becomes findings."),
    Rule("policy-failed", _E, "policy that failed", "What was not evaluated is not allowed."),
    Rule("policy-limit", _E, "policy needs too much time or memory", "Policies are held to a budget."),
    Rule("policy-test", _E, "test of a policy fails", "The policy does not say what its author means."),
    Rule("policy-engine", _E, "engine for policies is missing", "What was not evaluated is not allowed."),
    # values with an end
    Rule("value-expires", _W, "value that expires soon", "Its schema says until when it may be there."),
    Rule("value-expired", _E, "value that has expired", "Its schema says until when it may be there."),
    Rule("value-review", _W, "value that is due for a review", "Its schema says by when somebody looks at it again."),
    # limits on changes
    Rule(
        "limits-invalid", _E, "limits on changes that cannot be read", "A limit that means nothing holds nobody back."
    ),
    Rule(
        "change-step", _E, "number changes too much at once", "The repository limits how far it may go in one change."
    ),
    Rule("change-owner", _E, "change by somebody who may not make it", "The repository says who may change it."),
    Rule("change-approval", _E, "change without the approval that it takes", "The repository says who has to agree."),
    Rule("change-freeze", _E, "environment is frozen", "The repository says when nothing new is deployed."),
    Rule(
        "commit-trust",
        _E,
        "commit that does not count",
        "The root of trust says who signs commits, and who changes what.",
    ),
    # importing other programs' files
    Rule(
        "import-duplicate",
        _W,
        "key written twice in the file that is imported",
        "The program reads the later value; the earlier one had no effect and is now a comment.",
    ),
    Rule(
        "import-left-out",
        _W,
        "key that the import leaves out",
        "No record here says the same, so a file that is rendered does not hold it.",
    ),
    Rule(
        "import-secret",
        _W,
        "secret in the clear in the file that is imported",
        "Values and comments of a repository hold none; it is left behind, and a value gets a reference in its place.",
    ),
    Rule(
        "import-rewritten",
        _N,
        "section written anew by the import",
        "Its text uses YAML that strict readers refuse, so layout was lost and comments stand at the top.",
    ),
    Rule(
        "import-reference",
        _E,
        "text in the file that is imported reads as a reference here",
        "The program took it as plain text; llmcfg would replace it.",
    ),
    Rule(
        "import-section",
        _E,
        "section that cannot be carried over",
        "The strict loader would not read the same values from it.",
    ),
    # allowing findings of rules about LLM platforms
    Rule(
        "allow-form",
        _E,
        "comment that allows a finding, without a reason or a date",
        "Somebody has to know why it was allowed, and somebody has to look at it again.",
    ),
    Rule(
        "allow-expired",
        _W,
        "comment that allowed a finding until a day that has passed",
        "What it allowed is a finding again.",
    ),
    Rule(
        "allow-unused",
        _W,
        "comment that allows a finding that is not there",
        "It would hide the next one.",
    ),
)

RULES: Final = {rule.id: rule for rule in (*_RULES, *LLM_RULES)}
