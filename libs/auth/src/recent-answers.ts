import type { Clock } from '#libs/database';
import { FRESH_FOR_MS } from './session-view.js';
import { idOf } from './verified-tokens.js';

/** About 2 MB. */
const MAX_ANSWERS = 10_000;

/**
 * Answers about tokens that are as recent as a view of the ended sessions has to be. On an overloaded machine, which hears of
 * ended sessions late, the same token is asked about once a second and not with each call.
 */
export class RecentAnswers<Answer> {
  /** In the order in which they were asked for. */
  private readonly known = new Map<string, { askedAt: number; answer: Promise<Answer> }>();

  constructor(private readonly clock: Clock) {}

  of(token: string, ask: () => Promise<Answer>): Promise<Answer> {
    const id = idOf(token);
    const now = this.clock.monotonic();
    const found = this.known.get(id);
    if (found && now - found.askedAt <= FRESH_FOR_MS) return found.answer;
    const asked = { askedAt: now, answer: ask() };
    this.known.delete(id);
    if (this.known.size >= MAX_ANSWERS) this.known.delete(this.known.keys().next().value!);
    this.known.set(id, asked);
    // The caller gets the error; the next one asks again.
    asked.answer.catch(() => {
      if (this.known.get(id) === asked) this.known.delete(id);
    });
    return asked.answer;
  }
}
