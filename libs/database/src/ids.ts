import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';
import { Clock } from './clock.js';

/** Random bytes are fetched in bulk: a system call takes about as long for a few bytes as for a few thousand. */
const POOL = 4_096;
let pool = Buffer.alloc(0);

/** Returns bytes from the pool, each only once, and clears them in the pool. */
function randomBytes(count: number): Uint8Array {
  if (pool.length < count) pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(POOL, count)));
  const bytes = Uint8Array.prototype.slice.call(pool, 0, count);
  pool.fill(0, 0, count);
  pool = pool.subarray(count);
  return bytes;
}

/** The only source of ids and randomness. */
export class Ids {
  private last = 0;
  private count = 0;

  constructor(
    private readonly clock: Clock,
    private readonly random: (bytes: number) => Uint8Array = randomBytes,
  ) {}

  /** A UUIDv7. Ids sort by creation time, and within a millisecond by the order of the calls. */
  next(): string {
    const now = this.clock.millis();
    if (now > this.last) [this.last, this.count] = [now, 0];
    else this.count++;
    return v7({ msecs: this.last, seq: this.count, random: this.random(16) });
  }

  /** A random secret of this many bytes, in base64url. */
  secret(bytes = 32): string {
    return Buffer.from(this.random(bytes)).toString('base64url');
  }

  /** A number in [0, 1), for jitter. */
  fraction(): number {
    return Buffer.from(this.random(4)).readUInt32BE() / 2 ** 32;
  }
}
