import { setTimeout as pause } from 'node:timers/promises';
import type { Company, Person } from './company.js';

/** Milliseconds after which no gateway accepts the token of an ended session. */
const REFUSED_AFTER_MS = 1_000;
/** How long a token is tried after that. */
const TRIED_FOR_MS = 2_000;
const PROBE_EVERY_MS = 100;

/** Ends sessions all the time and tries their tokens afterwards. */
export class Revocations {
  readonly violations: string[] = [];
  /** How many tokens were tried. */
  ended = 0;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly company: Company) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async run(): Promise<void> {
    const person = await this.company.hire('owner');
    while (!this.stopping) await this.endAndTry(person);
  }

  private async endAndTry(person: Person): Promise<void> {
    const token = await this.company.signIn(person).catch(() => undefined);
    if (token === undefined || (await this.statusOf(token)) !== 200) return;
    const alone = this.ended % 2 === 0;
    const roles = alone ? [] : await this.otherRoles(person);
    const { status } = alone
      ? await this.company.askAs(token, 'POST', '/v1/auth/logout')
      : await this.company.ask('PATCH', `/v1/users/${person.id}`, { roles });
    // A repetition of a logout whose answer was lost is refused.
    if (status === 0 || status >= 500) return;
    this.ended++;
    const at = performance.now();
    await pause(REFUSED_AFTER_MS);
    while (performance.now() < at + REFUSED_AFTER_MS + TRIED_FOR_MS) {
      const after = Math.round(performance.now() - at);
      if ((await this.statusOf(token)) === 200) {
        const what = alone ? 'a session' : 'all sessions of a user';
        this.violations.push(`a token was accepted ${after} ms after the end of ${what}`);
        return;
      }
      await pause(PROBE_EVERY_MS);
    }
  }

  /**
   * Roles that take the present one away, which ends the user's tokens. An earlier change may have been made although its
   * answer was lost.
   */
  private async otherRoles({ id }: Person): Promise<string[]> {
    const { body } = await this.company.ask('GET', `/v1/users/${id}`);
    return (body.roles as string[] | undefined)?.includes('owner') ? ['admin'] : ['owner'];
  }

  /** One request without retries; 0 if there is no answer. */
  private async statusOf(token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`${this.company.url}/v1/me`, { headers, signal: AbortSignal.timeout(5_000) }).then(
      async (answer) => (await answer.arrayBuffer(), answer.status),
      () => 0,
    );
  }
}
