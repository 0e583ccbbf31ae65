import { Injectable } from '@nestjs/common';
import { SessionEndMessages } from './session-end-messages.js';
import { type SessionEnds } from '#libs/contracts';
import { AfterCommit, assertNoOpenTransaction } from '#libs/database';
import { failpoint } from '#libs/jobs';

/** Epochs and sessions per message: well below the broker's limit of 1 MB. */
const MESSAGE_SIZE = 5_000;

/**
 * Publishes ended sessions right after the commit, before the answer of the call, so that they are refused within
 * milliseconds. Nothing depends on it: `SessionEndFeed` publishes the same from the database.
 */
@Injectable()
export class SessionEndAnnouncer {
  constructor(
    private readonly messages: SessionEndMessages,
    private readonly afterCommit: AfterCommit,
  ) {}

  announce({ epochs = [], sessions = [] }: Partial<SessionEnds>): void {
    if (epochs.length + sessions.length === 0) return;
    this.afterCommit.run(() => failpoint('session.announce', async () => this.publish({ epochs, sessions })));
  }

  private publish({ epochs, sessions }: SessionEnds): void {
    assertNoOpenTransaction('announce ended sessions');
    for (let from = 0; from < Math.max(epochs.length, sessions.length); from += MESSAGE_SIZE) {
      this.messages.publish({
        epochs: epochs.slice(from, from + MESSAGE_SIZE),
        sessions: sessions.slice(from, from + MESSAGE_SIZE),
      });
    }
  }
}
