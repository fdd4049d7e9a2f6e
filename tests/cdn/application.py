"""application.py MS PORT=PORT ... - a slow application: what comes to the first port of loopback is carried to the second, each piece after MS
milliseconds; what comes back is carried at once."""
import asyncio
import sys


async def carry(reader, writer, wait_s):
    try:
        while data := await reader.read(65536):
            await asyncio.sleep(wait_s)
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main():
    wait_s = float(sys.argv[1]) / 1000

    def serve(to):
        async def one(reader, writer):
            try:
                there = await asyncio.open_connection("127.0.0.1", to)
            except OSError:
                writer.close()
                return
            await asyncio.gather(carry(reader, there[1], wait_s), carry(there[0], writer, 0))
        return one

    for word in sys.argv[2:]:
        port, to = map(int, word.split("="))
        await asyncio.start_server(serve(to), "127.0.0.1", port)
    await asyncio.Event().wait()


asyncio.run(main())
