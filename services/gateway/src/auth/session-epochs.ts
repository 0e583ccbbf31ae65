import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';

/** Milliseconds that an access token lives at most; older ones are refused whatever they say of themselves. */
export const TOKEN_LIFE = 5 * 60_000;
/** The clocks of different machines may be so far apart. */
const MARGIN = 60_000;

/** Of an access token, what decides whether it is still good. */
export interface TokenFacts {
  userId: string;
  sessionId: string;
  epoch: number;
}

interface Listener {
  userId: string;
  sessionId?: string;
  ended: () => void;
}

/** Whose sessions have ended, as far as this replica knows. Asked at every request, so it is all in memory. */
@Injectable()
export class SessionEpochs {
  private readonly epochs = new Map<string, number>();
  /** Ended sessions, and when their last token will have expired by itself; in the order in which they ended. */
  private readonly ended = new Map<string, number>();
  private readonly listeners = new Set<Listener>();

  constructor(private readonly clock: Clock) {}

  /** Tokens of the user with a lower epoch are dead. One that is lower than is known already changes nothing. */
  raise(userId: string, epoch: number): void {
    if (epoch <= (this.epochs.get(userId) ?? 0)) return;
    this.epochs.set(userId, epoch);
    this.tell((listener) => listener.userId === userId);
  }

  /** One session is over while its user's others go on. */
  end(sessionId: string): void {
    const now = this.clock.millis();
    for (const [session, until] of this.ended) {
      if (until > now) break;
      this.ended.delete(session);
    }
    this.ended.delete(sessionId);
    this.ended.set(sessionId, now + TOKEN_LIFE + MARGIN);
    this.tell((listener) => listener.sessionId === sessionId);
  }

  isAlive({ userId, sessionId, epoch }: TokenFacts): boolean {
    return epoch >= (this.epochs.get(userId) ?? 0) && !this.ended.has(sessionId);
  }

  /** Calls back when the user's sessions, or this one, end. @returns how to stop listening */
  onEnd(userId: string, sessionId: string | undefined, ended: () => void): () => void {
    const listener = { userId, sessionId, ended };
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(concerned: (listener: Listener) => boolean): void {
    for (const listener of [...this.listeners].filter(concerned)) listener.ended();
  }
}
