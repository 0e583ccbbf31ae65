import { requestWithRetries, type Answer } from './client.js';

export interface Person {
  id: string;
  email: string;
  staffId: string;
}

/** How somebody can get in. */
export const WAYS_IN = ['password', 'session', 'API token'] as const;
export type WayIn = (typeof WAYS_IN)[number];
export type Tokens = Record<Exclude<WayIn, 'password'>, string>;

const PASSWORD = 'correct horse battery';
let companies = 0;

/** A client for one account with the preset `texting`. */
export class Company {
  readonly agents: Person[] = [];
  private keys = 0;
  private people = 0;

  private constructor(
    readonly url: string,
    private readonly domain: string,
    readonly accountId: string,
    readonly owner: Person,
    private token: string,
  ) {}

  /** Creates the account. @throws Error if that does not succeed in time */
  static async create(url: string): Promise<Company> {
    const domain = `company-${process.pid}-${++companies}.example`;
    const owner = { name: 'Olga', email: `olga@${domain}`, password: PASSWORD, staffId: 'S-0' };
    const body = { name: 'A company', preset: 'texting', seats: 500, owner };
    const answer = expectStatus(await requestWithRetries(url, { method: 'POST', path: '/v1/accounts', body }), 201);
    const [account, user] = [answer.body.account, answer.body.user] as { id: string }[];
    const person = { id: user!.id, email: owner.email, staffId: owner.staffId };
    return new Company(url, domain, account!.id, person, answer.body.accessToken as string);
  }

  /** Sends a request as the owner. A POST has an idempotency key, so retries do not repeat its effect. */
  async ask(method: string, path: string, body?: unknown, type?: string): Promise<Answer> {
    const key = method === 'POST' ? `key-${this.domain}-${++this.keys}` : undefined;
    const answer = await requestWithRetries(this.url, { token: this.token, method, path, body, key, type });
    if (answer.status !== 401) return answer;
    this.token = await this.signIn(this.owner);
    return requestWithRetries(this.url, { token: this.token, method, path, body, key, type });
  }

  /** Sends a request with another user's token. */
  askAs(token: string, method: string, path: string, body?: unknown): Promise<Answer> {
    return requestWithRetries(this.url, { token, method, path, body, key: `key-${this.domain}-${++this.keys}` });
  }

  async signIn({ email }: Person): Promise<string> {
    const body = { email, password: PASSWORD };
    const answer = await requestWithRetries(this.url, { method: 'POST', path: '/v1/auth/login', body });
    return expectStatus(answer, 200).body.accessToken as string;
  }

  /** A session and an API token of the user. */
  async tokensOf(person: Person): Promise<Tokens> {
    const session = await this.signIn(person);
    const body = { name: 'Script', scopes: ['read'] };
    const made = expectStatus(await this.askAs(session, 'POST', '/v1/me/api-tokens', body), 201);
    return { session, 'API token': made.body.token as string };
  }

  /** The ways by which the user gets in at present, of the password and these tokens. */
  async waysIn({ email }: Person, tokens: Tokens): Promise<WayIn[]> {
    const login = { method: 'POST', path: '/v1/auth/login', body: { email, password: PASSWORD } };
    const me = (token: string) => ({ token, method: 'GET', path: '/v1/me' });
    const answers = await Promise.all(
      [login, me(tokens.session), me(tokens['API token'])].map((request) => requestWithRetries(this.url, request)),
    );
    return WAYS_IN.filter((_, at) => answers[at]!.status === 200);
  }

  /** Creates a user. @throws Error if the service refuses */
  async hire(role: 'owner' | 'agent' = 'agent'): Promise<Person> {
    const n = ++this.people;
    const person = { email: `p${n}@${this.domain}`, staffId: `S-${n}` };
    const body = { ...person, name: `Person ${n}`, password: PASSWORD, roles: [role] };
    const answer = expectStatus(await this.ask('POST', '/v1/users', body), 201);
    const hired = { ...person, id: answer.body.id as string };
    if (role === 'agent') this.agents.push(hired);
    return hired;
  }

  /** Imports `each` contacts for each of these users, assigned by staff id. */
  import(people: readonly Person[], each: number): Promise<Answer> {
    const rows = people.flatMap(({ staffId }) =>
      Array.from({ length: each }, (_, n) => `${staffId}-${n},Contact ${n},${staffId}`),
    );
    return this.ask('POST', '/v1/contact-imports', ['ContactId,Name,StaffId', ...rows].join('\n'), 'text/csv');
  }

  chat(visitor: string, operatorId: string): Promise<Answer> {
    return this.ask('POST', '/v1/live-chats', { visitor, operatorId });
  }

  automation(ownerId: string): Promise<Answer> {
    return this.ask('POST', '/v1/automations', { name: 'An automation', ownerId, trigger: { kind: 'any' } });
  }

  /** Another person takes the user over. */
  transfer(userId: string): Promise<Answer> {
    const n = ++this.people;
    const to = { name: `Person ${n}`, email: `p${n}@${this.domain}`, staffId: `S-${n}` };
    return this.ask('POST', `/v1/users/${userId}/transfer`, to);
  }

  /** Hands rows of these rules over to the owner. */
  reassign(userId: string, rules: readonly string[]): Promise<Answer> {
    return this.ask('POST', `/v1/users/${userId}/reassign`, { rules, to: this.owner.id });
  }

  decide(userId: string, what: 'deactivate' | 'delete' | 'reactivate' | 'suspend' | 'resume'): Promise<Answer> {
    return this.ask('POST', `/v1/users/${userId}/${what}`, {});
  }
}

/** @throws Error for another status */
export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status)
    throw new Error(`${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`);
  return answer;
}
