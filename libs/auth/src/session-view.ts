import type { FeedPosition } from '#libs/contracts';

/** Milliseconds. A view that is older may lack the end of a session. */
export const FRESH_FOR_MS = 1_000;

/**
 * How recent this process's view of the ended sessions is. It is complete up to a time T if a snapshot has been read
 * after the feed's first message and no message is missing between that one and the message that says "published until T".
 *
 * T is a time of identity's database. It is converted by the snapshot, which carries the same clock: the snapshot was
 * made after it was requested, so a message from before that moment cannot be taken for a later one, however long the
 * broker has kept it. All local times are monotonic.
 */
export class SessionView {
  private feed?: string;
  private number = 0;
  /** Goes up when a message may be missing. */
  private gaps = 0;
  private synced?: { gaps: number; here: number; there: number };
  private completeUntil = -Infinity;

  /** Takes the position of a message that has arrived. @returns whether a snapshot is needed */
  take({ feed, number, publishedUntil }: FeedPosition, now: number): boolean {
    const follows = feed === this.feed && number === this.number + 1;
    if (!follows) this.gaps++;
    this.feed = feed;
    this.number = number;
    const { synced } = this;
    if (synced?.gaps !== this.gaps) return true;
    if (publishedUntil !== undefined) this.completeUntil = Math.min(now, localTime(publishedUntil, synced));
    return false;
  }

  /** Call it before a snapshot is requested. @returns what `sync` needs when all of its pages have been read */
  beginSnapshot(now: number): (time: number | undefined) => void {
    const { gaps } = this;
    return (time) => (this.synced = time === undefined ? undefined : { gaps, here: now, there: time });
  }

  /** Whether it contains every session that had ended `FRESH_FOR_MS` ago. */
  isFresh(now: number): boolean {
    return this.synced?.gaps === this.gaps && now - this.completeUntil <= FRESH_FOR_MS;
  }

  /** The local time of a time of identity's database; undefined if the clocks have not been compared yet. */
  localTime(time: number): number | undefined {
    return this.synced && localTime(time, this.synced);
  }
}

const localTime = (time: number, { here, there }: { here: number; there: number }): number => here + (time - there);
