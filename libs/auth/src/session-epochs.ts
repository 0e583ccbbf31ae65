import { ACCESS_TOKEN_LIFETIME_S } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';

/** Longest lifetime of an access token in milliseconds; older tokens are refused even if they expire later. */
export const TOKEN_LIFE = ACCESS_TOKEN_LIFETIME_S * 1_000;
/** Tolerated clock difference between machines, in milliseconds. */
const MARGIN = 60_000;

/** The claims of an access token that decide whether it is still valid. */
export interface TokenFacts {
  userId: string;
  /** Absent for a token that stands for an API token. */
  sessionId?: string;
  epoch: number;
}

interface Listener {
  userId: string;
  sessionId?: string;
  ended: () => void;
}

/** The ended sessions that this replica knows of. Kept in memory because every request checks them. */
@Injectable()
export class SessionEpochs {
  private readonly epochs: LastTokens<number>;
  private readonly ended: LastTokens<true>;
  private readonly listeners = new Set<Listener>();

  constructor(clock: Clock) {
    this.epochs = new LastTokens(clock);
    this.ended = new LastTokens(clock);
  }

  /** Invalidates tokens of the user with a lower epoch. A value that is not higher than the known one is ignored. */
  raise(userId: string, epoch: number): void {
    if (epoch <= (this.epochs.get(userId) ?? 0)) return;
    this.epochs.set(userId, epoch);
    this.notify((listener) => listener.userId === userId);
  }

  /** Ends one session; the user's other sessions go on. */
  end(sessionId: string): void {
    this.ended.set(sessionId, true);
    this.notify((listener) => listener.sessionId === sessionId);
  }

  isAlive({ userId, sessionId, epoch }: TokenFacts): boolean {
    return (
      epoch >= (this.epochs.get(userId) ?? 0) && (sessionId === undefined || this.ended.get(sessionId) === undefined)
    );
  }

  /** Calls `ended` when all of the user's sessions, or this one, end. @returns a function that stops listening */
  onEnd(userId: string, sessionId: string | undefined, ended: () => void): () => void {
    const listener = { userId, sessionId, ended };
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private notify(concerned: (listener: Listener) => boolean): void {
    for (const listener of [...this.listeners].filter(concerned)) listener.ended();
  }
}

/** Remembers something until the last token that it concerns has expired. */
class LastTokens<Value> {
  /** In the order of `until`. */
  private readonly known = new Map<string, { value: Value; until: number }>();

  constructor(private readonly clock: Clock) {}

  get(id: string): Value | undefined {
    return this.known.get(id)?.value;
  }

  set(id: string, value: Value): void {
    // Monotonic: a clock that was ahead for a while must not make it forget.
    const now = this.clock.monotonic();
    for (const [old, { until }] of this.known) {
      if (until > now) break;
      this.known.delete(old);
    }
    this.known.delete(id);
    this.known.set(id, { value, until: now + TOKEN_LIFE + MARGIN });
  }
}
