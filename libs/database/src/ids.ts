import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { Clock } from './clock.js';

/** The one source of ids and randomness. */
export class Ids {
  private last = 0;
  private count = 0;

  constructor(
    private readonly clock: Clock,
    private readonly random: (bytes: number) => Uint8Array = (n) => randomBytes(n),
  ) {}

  /** A UUIDv7: sorts by the time of its making, within a millisecond by the order of the calls. */
  next(): string {
    const now = this.clock.millis();
    if (now > this.last) [this.last, this.count] = [now, 0];
    else this.count++;
    return v7({ msecs: this.last, seq: this.count, random: this.random(16) });
  }

  /** A secret for the outside world: `bytes` of randomness in base64url. */
  secret(bytes = 32): string {
    return Buffer.from(this.random(bytes)).toString('base64url');
  }

  /** A number in [0, 1), for jitter. */
  fraction(): number {
    return Buffer.from(this.random(4)).readUInt32BE() / 2 ** 32;
  }
}
