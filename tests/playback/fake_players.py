"""Media players on a D-Bus session bus, served with dbus-fast, each with a connection of its own.

This program runs in a process of its own. It reads one JSON command per line, executes it, and prints one JSON reply.
"""

import asyncio
import json
import sys

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

PATH = "/org/mpris/MediaPlayer2"
PLAYER = "org.mpris.MediaPlayer2.Player"
PREFIX = "org.mpris.MediaPlayer2."


class Fake:
    """A media player. `calls` has each method call that it received, with its status at that moment.

    also: further bus names of the player
    delay: seconds before each reply
    pause_delay: seconds between the reply to Pause and the pause
    is_mute: the player never replies
    lie: a false status that is reported; "" for the real one
    unheard: names of calls that have no effect
    flood: number of signals sent every 10 ms; 0 for none
    odd: properties that replace the real ones, name -> (signature, value)
    """

    def __init__(
        self, name, status="Playing", track="/track/1", also=(), delay=0, pause_delay=0, is_mute=False, lie="",
        unheard=(), flood=0, odd=None, **more,
    ):  # fmt: skip
        self.name, self.status, self.track, self.also = name, status, track, also
        self.delay, self.pause_delay, self.is_mute, self.lie = delay, pause_delay, is_mute, lie
        self.unheard, self.flood, self.odd = unheard, flood, odd or {}
        self.can = {"CanPause": True, "CanControl": True} | more
        self.calls = []

    async def start(self):
        self.bus = await MessageBus().connect()
        self.bus.add_message_handler(self.handle)
        for name in (self.name, *self.also):
            await self.bus.request_name(PREFIX + name)
        self.flooding = asyncio.create_task(self.signal_for_ever()) if self.flood else None

    def quit(self):
        if self.flooding:
            self.flooding.cancel()
        self.bus.disconnect()

    def properties(self):
        metadata = {"mpris:trackid": Variant("o", self.track), "xesam:title": Variant("s", "Déjà vu \u202e\n'\"")}
        can = {name: Variant("b", value) for name, value in self.can.items()}
        said = {
            "PlaybackStatus": Variant("s", self.lie or self.status),
            "Metadata": Variant("a{sv}", metadata),
            "Identity": Variant("s", self.name),
            "Volume": Variant("d", 1.0),
            **can,
        }
        return said | {name: Variant(*value) for name, value in self.odd.items()}

    def handle(self, message):
        if message.message_type is not MessageType.METHOD_CALL or message.path != PATH:
            return None
        if message.interface == PLAYER:
            self.calls.append([message.member, self.status])
        if not self.is_mute:
            self.answering = asyncio.create_task(self.answer(message))
        return True

    async def answer(self, message):
        await asyncio.sleep(self.delay)
        reply = Message.new_method_return(message)
        if message.member == "GetAll":
            reply = Message.new_method_return(message, "a{sv}", [self.properties()])
        elif message.member == "Get":
            reply = Message.new_method_return(message, "v", [self.properties()[message.body[1]]])
        if message.member in ("Pause", "Play") and message.member not in self.unheard:
            self.doing = asyncio.create_task(self.do(message.member))
            await asyncio.sleep(0)
        await self.bus.send(reply)

    async def do(self, act):
        if act == "Pause" and self.pause_delay:
            await asyncio.sleep(self.pause_delay)
        if act == "Next":
            self.track += "1"
            await self.tell("Metadata")
        else:
            before, self.status = self.status, {"Play": "Playing", "Pause": "Paused", "Stop": "Stopped"}[act]
            if before != self.status:
                await self.tell("PlaybackStatus")

    async def tell(self, *names):
        said = self.properties()
        body = [PLAYER, {name: said[name] for name in names}, []]
        interface = "org.freedesktop.DBus.Properties"
        await self.bus.send(Message.new_signal(PATH, interface, "PropertiesChanged", "sa{sv}as", body))

    async def signal_for_ever(self):
        while True:
            for _ in range(self.flood):
                await self.tell("Volume", "Metadata")
            await asyncio.sleep(0.01)


async def obey(fakes, do, name, **more):
    if do == "add":
        fakes[name] = Fake(name, **more)
        await fakes[name].start()
    elif do == "quit":
        fakes[name].quit()
    elif do == "restart":
        fakes[name].quit()
        fakes[name].__dict__ |= more
        await fakes[name].start()
    elif do == "unname":
        await fakes[name].bus.release_name(PREFIX + name)
    elif do == "set":
        fakes[name].__dict__ |= more
    elif do == "act":
        await fakes[name].do(more["act"])
    elif do == "forget":
        fakes[name].calls.clear()
    fake = fakes[name]
    return {"status": fake.status, "calls": fake.calls, "owner": fake.bus.unique_name}


async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    fakes: dict[str, Fake] = {}
    while line := await reader.readline():
        print(json.dumps(await obey(fakes, **json.loads(line))), flush=True)


asyncio.run(main())
