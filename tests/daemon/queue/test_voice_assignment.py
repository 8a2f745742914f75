"""Tests of the voices assigned to agents that request none."""

from speakkit import voices
from speakkit.daemon.queue.voice_assignment import ACTIVE, POOL, REMEMBERED, VoiceAssignment


def test_the_pool_is_of_voices_that_come_with_speakkit():
    """The pool contains only packaged voices, which need no download."""
    assert set(POOL) <= set(voices.ALIASES["kokoro"])


def test_an_agent_keeps_its_voice():
    """An agent keeps its voice in one daemon, and gets the same one in the next if no other agent speaks."""
    first = VoiceAssignment()
    assert len({first.voice("builder", float(i)) for i in range(20)}) == 1
    assert VoiceAssignment().voice("builder", 0.0) == first.voice("builder", 99.0)


def test_no_two_agents_share_one_while_there_are_enough():
    """Agents get different voices while the pool has free ones; one more agent shares a voice."""
    casting = VoiceAssignment()
    given = [casting.voice(f"agent-{i}", 0.0) for i in range(len(POOL))]
    assert sorted(given) == sorted(POOL)
    assert casting.voice("one more", 0.0) in POOL


def test_a_voice_that_somebody_chose_is_taken():
    """A voice that another agent chose is avoided until ACTIVE seconds after its last use."""
    casting = VoiceAssignment()
    alone = VoiceAssignment().voice("a", 0.0)
    casting.heard("b", alone, 0.0)
    assert casting.voice("a", 1.0) != alone
    assert VoiceAssignment().voice("a", ACTIVE) == alone


def test_one_who_has_gone_frees_its_voice():
    """An agent's voice is free again after it has not spoken for ACTIVE seconds."""
    casting = VoiceAssignment()
    alone = VoiceAssignment().voice("a", 0.0)
    casting.heard("b", alone, 0.0)
    assert casting.voice("a", ACTIVE + 1) == alone


def test_no_number_of_agents_takes_up_memory():
    """At most REMEMBERED agents are remembered; the oldest are dropped."""
    casting = VoiceAssignment()
    for i in range(3 * REMEMBERED):
        casting.voice(str(i), float(i))
    assert len(casting._cast) == REMEMBERED
