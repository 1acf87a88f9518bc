"""Proofs of a log for who does not have it: they show what is there, to an implementation of the RFC too, and nothing else."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import timedelta
from itertools import islice

import msgspec
import pytest

from llmcfg.audit.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint, read_checkpoints
from llmcfg.audit.merkle import node_hash, root_of
from llmcfg.audit.place import Kept, newest_checkpoint
from llmcfg.audit.proof import (
    Consistency,
    Grown,
    Included,
    check_proof,
    encode_proof,
    parse_proof,
    prove_entry,
    prove_growth,
)
from llmcfg.audit.trail import open_log
from llmcfg.errors import IntegrityError, LlmcfgError, NotFoundError, UsageError
from llmcfg.model.act import Act
from llmcfg.trust.keys import parse_key_text

from .conftest import YEAR
from .rfc6962 import leaf, read_checkpoint, root_by_path, roots_by_proof
from .test_trail import Clone
from .test_verify import flips


def checkpoint_of(written):
    head = written.log.head_file().read()
    return Checkpoint(head.id, head.log, head.top.size, head.top.frontier.root)


@pytest.fixture
def grown(written):
    """A log, and its checkpoints at each size from the second entry on."""
    checkpoints = []
    for number in range(12):
        written.add(f"secret {number}")
        checkpoints.append(checkpoint_of(written))
    return written, checkpoints


def test_every_entry_is_proved_in_every_checkpoint_that_counts_it(grown):
    written, checkpoints = grown
    entries = list(written.log.entries())
    for checkpoint in checkpoints:
        for number in range(checkpoint.size):
            proof = prove_entry(written.log, number, Kept(checkpoint))
            assert check_proof(proof, checkpoint=checkpoint) == Included(checkpoint, entries[number])


def test_a_log_is_proved_to_have_grown_between_any_two_checkpoints(grown):
    written, checkpoints = grown
    for later, checkpoint in enumerate(checkpoints):
        for since in checkpoints[: later + 1]:
            proof = prove_growth(written.log, since, Kept(checkpoint))
            shown = check_proof(proof, checkpoint=checkpoint, since=since)
            assert shown == check_proof(proof, checkpoint=checkpoint) == Grown(checkpoint, since)


@pytest.mark.fault("O05")
def test_an_implementation_of_the_rfc_alone_is_led_to_the_same_roots(grown):
    """It reads the files, and nothing of ours."""
    written, checkpoints = grown
    newest = Kept(checkpoints[-1])
    for number in range(newest.checkpoint.size):
        said = json.loads(encode_proof(prove_entry(written.log, number, newest)))
        _, size, root = read_checkpoint(said["checkpoint"])
        hashes = [bytes.fromhex(one) for one in said["hashes"]]
        assert json.loads(said["entry"])["number"] == number
        assert root_by_path(number, size, leaf(said["entry"].encode()), hashes) == root
    for since in checkpoints[:-1]:
        said = json.loads(encode_proof(prove_growth(written.log, since, newest)))
        _, old, old_root = read_checkpoint(said["since"])
        _, size, root = read_checkpoint(said["checkpoint"])
        hashes = [bytes.fromhex(one) for one in said["hashes"]]
        assert roots_by_proof(old, size, old_root, hashes) == (old_root, root)


def test_a_proof_says_nothing_to_who_has_another_checkpoint_or_none(grown):
    written, checkpoints = grown
    proof = prove_entry(written.log, 1, Kept(checkpoints[-1]))
    with pytest.raises(IntegrityError, match="leads to another checkpoint, of 13 entries of platform"):
        check_proof(proof, checkpoint=checkpoints[0])
    with pytest.raises(UsageError, match="nothing vouches for what the proof leads to"):
        check_proof(proof)
    with pytest.raises(UsageError, match="about an entry") as refused:
        check_proof(proof, checkpoint=checkpoints[-1], since=checkpoints[0])
    assert refused.value.hint == "leave out --since"


def test_a_proof_of_growth_from_another_checkpoint_is_refused(grown):
    written, checkpoints = grown
    proof = prove_growth(written.log, checkpoints[4], Kept(checkpoints[-1]))
    with pytest.raises(IntegrityError, match="begins at another checkpoint, of 6 entries of platform"):
        check_proof(proof, checkpoint=checkpoints[-1], since=checkpoints[3])
    with pytest.raises(IntegrityError, match="leads to another checkpoint") as refused:
        check_proof(proof, checkpoint=checkpoints[4])
    assert "one that it begins at is --since FILE" in refused.value.hint


@pytest.mark.fault("O05")
def test_what_goes_on_from_a_checkpoint_as_anybody_can_is_refused(grown):
    """The hashes that lead from 8 entries to 13 lead as well to 12 with that root, and anybody may append what they like to 8."""
    written, checkpoints = grown
    theirs, newest = checkpoints[6], checkpoints[-1]
    proof = prove_growth(written.log, theirs, Kept(newest))
    for forged in miscounted(proof, newest), made_up(theirs):
        end, hashes = parse_checkpoint(forged.checkpoint.encode()), [bytes.fromhex(one) for one in forged.hashes]
        assert roots_by_proof(theirs.size, end.size, theirs.root, hashes) == (theirs.root, end.root)
        with pytest.raises(UsageError, match="nothing vouches for what the proof leads to"):
            check_proof(forged, since=theirs)
        with pytest.raises(IntegrityError, match="leads to another checkpoint"):
            check_proof(forged, since=theirs, checkpoint=newest)


def miscounted(proof, newest):
    return msgspec.structs.replace(proof, checkpoint=encode_checkpoint(newest._replace(size=12)).decode())


def made_up(theirs):
    """One entry more, by somebody who knows no more of the eight than their root."""
    own = leaf(b"made up")
    end = theirs._replace(size=theirs.size + 1, root=node_hash(theirs.root, own))
    return Consistency(
        checkpoint=encode_checkpoint(end).decode(),
        signature="",
        since=encode_checkpoint(theirs).decode(),
        hashes=(own.hex(),),
    )


def assert_no_flip_is_taken(content, check, step):
    check(content)
    for at, flipped in flips(content, step):
        with pytest.raises(LlmcfgError):
            check(flipped)
            raise AssertionError(f"the flip of a bit of byte {at} is taken")


def each_proof(written, checkpoints):
    """With what somebody has who checks it."""
    since, newest = checkpoints[4], checkpoints[-1]
    yield prove_entry(written.log, 5, Kept(newest)), {"checkpoint": newest}
    growth = prove_growth(written.log, since, Kept(newest))
    yield growth, {"checkpoint": newest}
    yield growth, {"checkpoint": newest, "since": since}


def assert_no_flip_of_a_proof_is_taken(proof, theirs, step):
    assert_no_flip_is_taken(encode_proof(proof), lambda it: check_proof(parse_proof(it), **theirs), step)


@pytest.mark.fault("O05")
def test_a_proof_with_a_flipped_bit_shows_nothing(grown):
    for proof, theirs in each_proof(*grown):
        assert_no_flip_of_a_proof_is_taken(proof, theirs, 23)


@pytest.mark.sweep
@pytest.mark.fault("O05")
def test_a_proof_with_any_flipped_bit_shows_nothing(grown):
    for proof, theirs in each_proof(*grown):
        assert_no_flip_of_a_proof_is_taken(proof, theirs, 1)


@pytest.mark.fault("O05")
def test_a_log_that_was_written_anew_is_not_proved_to_have_grown(grown, tmp_path):
    written, checkpoints = grown
    forged = checkpoints[3]._replace(root=bytes(32))
    with pytest.raises(IntegrityError, match="did not grow"):
        prove_growth(written.log, forged, Kept(checkpoints[-1]))
    with pytest.raises(IntegrityError, match="did not grow"):
        prove_growth(written.log, checkpoints[3]._replace(id="0" * 32), Kept(checkpoints[-1]))
    with pytest.raises(IntegrityError, match="not the one that the checkpoint"):
        prove_entry(written.log, 1, Kept(forged))


def test_an_entry_that_the_checkpoint_does_not_count_is_not_proved(grown):
    written, checkpoints = grown
    with pytest.raises(NotFoundError, match="counts no entry 3"):
        prove_entry(written.log, 3, Kept(checkpoints[0]))


def test_what_is_left_after_a_deletion_is_proved_still(written):
    for month in range(3):
        written.add(f"month {month}")
        written.now += timedelta(days=32)
    before = checkpoint_of(written)
    written.now += YEAR
    written.add("now", "and now")
    written.now += timedelta(days=32)
    written.add("later")
    base, kept = written.log.head_file().read().base.size, Kept(checkpoint_of(written))
    assert base > 0
    for number in range(base, kept.checkpoint.size):
        check_proof(prove_entry(written.log, number, kept), checkpoint=kept.checkpoint)
    check_proof(prove_growth(written.log, before, kept), checkpoint=kept.checkpoint, since=before)
    with pytest.raises(NotFoundError, match="counts no entry 0"):
        prove_entry(written.log, 0, kept)
    with pytest.raises(NotFoundError, match="was deleted"):
        prove_entry(written.log, 0, Kept(Checkpoint(before.id, before.log, 2, bytes(32))))


# signed


@pytest.fixture
def signed(tmp_path, signing_key):
    """A clone whose checkpoints are signed, what Git has of its log, and the public key."""
    clone = Clone(tmp_path / "clone")
    settings = clone.begin(key=signing_key())
    with clone.trail(settings).acting(Act("apply", environment="prod")):
        pass
    clone.trail(settings).checkpoint()
    return open_log(clone.root), newest_checkpoint(clone.repository, "platform"), parse_key_text(settings.signer)


def test_a_signature_is_enough_for_who_knows_the_key(signed):
    log, kept, key = signed
    proof = parse_proof(encode_proof(prove_entry(log, 3, kept)))
    proved = check_proof(proof, signer=key)
    assert isinstance(proved, Included)
    assert (proved.entry.act, proved.entry.environment) == ("apply", "prod")


def test_a_proof_that_another_key_signed_or_nobody_shows_nothing(signed, signing_key):
    log, kept, key = signed
    with pytest.raises(IntegrityError, match="signed by nobody"):
        check_proof(prove_entry(log, 3, kept._replace(signature=b"")), signer=key)
    other = parse_key_text(Clone(signing_key("other").parent / "other clone").begin(key=signing_key("third")).signer)
    with pytest.raises(IntegrityError, match="and not by"):
        check_proof(prove_entry(log, 3, kept), signer=other)


def each_signed_proof(log, kept, key):
    since = past_of(log, 2)
    yield prove_entry(log, 3, kept), {"signer": key}
    yield prove_growth(log, since, kept), {"signer": key}
    yield prove_growth(log, since, kept), {"signer": key, "since": since}


def past_of(log, size):
    """The checkpoint that the first entries of a log would have."""
    return Checkpoint(
        log.head_file().read().id, log.name, size, root_of(leaf(line) for _, line in islice(log.lines(), size))
    )


def test_a_signature_binds_what_the_log_grew_from(signed):
    log, kept, key = signed
    since = past_of(log, 2)
    assert check_proof(prove_growth(log, since, kept), signer=key) == Grown(kept.checkpoint, since)


def test_a_signed_proof_with_a_flipped_bit_shows_nothing(signed):
    for proof, theirs in each_signed_proof(*signed):
        assert_no_flip_of_a_proof_is_taken(proof, theirs, 31)


@pytest.mark.sweep
def test_a_signed_proof_with_any_flipped_bit_shows_nothing(signed):
    for proof, theirs in each_signed_proof(*signed):
        assert_no_flip_of_a_proof_is_taken(proof, theirs, 1)


def test_openssh_agrees_on_the_signature_of_a_checkpoint(signed, tmp_path):
    log, kept, key = signed
    said = json.loads(encode_proof(prove_entry(log, 3, kept)))
    (tmp_path / "signers").write_text(f"machine {key.text}\n")
    (tmp_path / "checkpoint.sig").write_text(said["signature"])
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "machine", "-n", "llmcfg-audit", "-s", "checkpoint.sig"],
        cwd=tmp_path,
        input=said["checkpoint"].encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.fault("O04")
def test_no_checkpoint_with_a_flipped_bit_is_one_with_its_signature(signed):
    _, kept, key = signed
    content = encode_checkpoint(kept.checkpoint)
    assert base64.b64encode(kept.checkpoint.root) in content

    def read(checkpoint=content, signature=kept.signature):
        return read_checkpoints({"platform/checkpoint": checkpoint, "platform/checkpoint.sig": signature}, key)

    assert_no_flip_is_taken(content, lambda it: read(checkpoint=it), 1)
    assert_no_flip_is_taken(kept.signature, lambda it: read(signature=it), 1)
    assert parse_checkpoint(content) == kept.checkpoint
