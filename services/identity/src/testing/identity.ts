import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { sql, type Kysely } from 'kysely';
import { SessionWatch } from '#libs/auth';
import { withToken, type CallArguments } from '#libs/broker';
import {
  accountsCreate,
  authLogin,
  NOBODY,
  SCOPES,
  usersGet,
  usersInvite,
  type InvitedUser,
  type MailToSend,
  type NewAccount,
  type NewUser,
  type OpenedAccount,
  type Operation,
  type Principal,
  type Problem,
} from '#libs/contracts';
import { fingerprint, migrate, TestClock } from '#libs/database';
import { startService, type RunningService } from '#libs/platform';
import { TestCalls } from '#libs/platform/testing';
import { serviceKeys, testBroker, testDatabase, type TestBroker, type TestDatabase } from '#libs/test-kit';
import type { Type } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { IdentityConfig } from '../identity.config.js';
import { IdentityModule } from '../identity.module.js';
import { MailWorker } from '../mail/mail.worker.js';
import { migrations } from '../migrations/migrations.js';
import { AccessTokens } from '../session/access-tokens.js';
import { MailService } from './mail-service.js';

const SILENT = 'silent';
/** A rule without transitions: the service takes part in departures, and no plan asks it. */
const SILENT_RULE = { id: `${SILENT}.rows`, service: SILENT, label: 'Rows', position: 0, fixed: true, transitions: {} };
/** Higher than any epoch that a test reaches: tokens are valid until a test says otherwise. */
const LAST_EPOCH = 1_000_000;
export const PASSWORD = 'correct horse battery';

interface TestIdentityOptions {
  /** Whether to register a service that never answers, so that events stay in the outbox. Default: true. */
  silent?: boolean;
  /** Further settings, for all replicas. */
  settings?: Record<string, string>;
}

/** The whole service with its own database and broker, called as the gateway does. */
export class TestIdentity {
  private people = 0;

  private constructor(
    readonly clock: TestClock,
    readonly broker: TestBroker,
    readonly database: TestDatabase,
    readonly service: RunningService,
    readonly settings: Record<string, string>,
    /** Calls identity as other services do. */
    readonly client: TestCalls,
    private readonly mailService: MailService,
  ) {}

  static async start({ silent = true, settings = {} }: TestIdentityOptions = {}): Promise<TestIdentity> {
    const clock = new TestClock();
    const [broker, database] = await Promise.all([
      testBroker(),
      testDatabase({
        name: 'identity',
        migrate: async (ownerUrl) => void (await migrate(ownerUrl, migrations)),
        fingerprint: fingerprint(migrations),
      }),
    ]);
    const mailService = await MailService.start(broker.url);
    const service = await TestIdentity.replica({ clock, broker, database, settings });
    const client = await TestCalls.connect(broker.url, (principal) => identity.signed(principal));
    const identity: TestIdentity = new TestIdentity(clock, broker, database, service, settings, client, mailService);
    if (silent)
      await identity.query(
        sql`insert into service_rules (service, rules) values (${SILENT}, ${JSON.stringify([SILENT_RULE])}::jsonb)`,
      );
    return identity;
  }

  /** Starts another replica of the service. */
  static async replica({
    clock,
    broker,
    database,
    settings,
  }: Pick<TestIdentity, 'clock' | 'broker' | 'database' | 'settings'>): Promise<RunningService> {
    const env = {
      DATABASE_URL: database.url,
      NATS_URL: broker.url,
      LOG_LEVEL: 'silent',
      ...serviceKeys('identity'),
      LEAVER_SECRET: 'a-secret-for-tests-that-is-long-enough',
      PASSWORD_MEMORY_KIB: '8',
      PASSWORD_PASSES: '1',
      INVITATION_TOKENS: 'answer',
      ...settings,
    };
    const service = await startService({
      name: 'identity',
      module: IdentityModule,
      config: IdentityConfig,
      env,
      clock,
    });
    // Principals of tests have no session in the database, so their tokens must not be introspected on a slow machine.
    Object.defineProperty(service.app.get(SessionWatch, { strict: false }), 'fresh', { value: true });
    return service;
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.service.close();
    await this.mailService.stop();
    await this.database.drop();
    await this.broker.stop();
  }

  /** The mails that were requested so far, those to this address or all. */
  async mails(address?: string): Promise<MailToSend[]> {
    await this.get(MailWorker).drain();
    return address === undefined ? this.mailService.mails : this.mailService.to(address);
  }

  get<T>(type: Type<T>): T {
    return this.service.app.get(type, { strict: false });
  }

  call<B extends object, Q extends object, A>(operation: Operation<B, Q, A>, call: CallArguments<B, Q>): Promise<A> {
    return this.client.call(operation, call);
  }

  /** The same principal with a token, as the gateway would have it. */
  private async signed(principal: Principal): Promise<Principal> {
    if (principal === NOBODY) return NOBODY;
    const { sessionId, ...subject } = { ...principal, epoch: LAST_EPOCH };
    const tokens = this.get(AccessTokens);
    const token =
      sessionId === undefined
        ? await tokens.issueForServices({ scopes: SCOPES, ...subject, apiTokenId: subject.userId })
        : await tokens.issue({ ...subject, sessionId });
    return withToken({ ...principal }, token);
  }

  /** Runs work without a transaction, like a preparation. */
  preparation<T>(work: () => Promise<T>): Promise<T> {
    return RequestContext.create(this.get(EntityManager), work);
  }

  /** Runs work in a transaction, like a handler. */
  transaction<T>(work: () => Promise<T>): Promise<T> {
    const em = this.get(EntityManager);
    return RequestContext.create(em, () => em.transactional(work));
  }

  /** Direct access to the database. */
  get db(): Kysely<unknown> {
    return this.get(EntityManager).fork().getKysely();
  }

  async query<T>(statement: ReturnType<typeof sql<T>>): Promise<T[]> {
    return (await statement.execute(this.db)).rows;
  }

  anAccount({
    owner,
    ...overrides
  }: Partial<Omit<NewAccount, 'owner'>> & { owner?: Partial<NewAccount['owner']> } = {}) {
    const n = ++this.people;
    const everything = {
      name: `Olive ${n}`,
      email: `olive${n}@example.com`,
      staffId: `O${n}`,
      password: PASSWORD,
      ...owner,
    };
    return this.call(accountsCreate, { principal: NOBODY, body: { name: 'Acme', ...overrides, owner: everything } });
  }

  /** Creates a user. Active, because of the password; invited if `password` is overridden by undefined. */
  aUser(by: Principal, overrides: Partial<NewUser> = {}): Promise<InvitedUser> {
    const n = ++this.people;
    const body = { name: `Uma ${n}`, email: `uma${n}@example.com`, staffId: `U${n}`, password: PASSWORD, ...overrides };
    return this.call(usersInvite, { principal: by, body });
  }

  /** Creates a user and returns it as a principal. */
  async aPerson(by: Principal, overrides: Partial<NewUser> = {}): Promise<Principal> {
    const user = await this.aUser(by, overrides);
    return { accountId: by.accountId, userId: user.id, roles: user.roles };
  }

  /** The same user with a session that begins now. */
  async signedIn(principal: Principal): Promise<Principal> {
    const { accountId, userId } = principal;
    const { email } = await this.call(usersGet, { principal, params: { id: userId } });
    const body = { email: email!, password: PASSWORD, accountId };
    const { accessToken } = await this.call(authLogin, { principal: NOBODY, body });
    return { ...principal, sessionId: sessionOf(accessToken) };
  }
}

/** The id of the session in an access token. */
export const sessionOf = (accessToken: string): string => String(decodeJwt(accessToken).sid);

/** The owner of a new account, with the session in which it was opened. */
export const ownerOf = ({ account, user, accessToken }: OpenedAccount): Principal => ({
  accountId: account.id,
  userId: user.id,
  roles: user.roles,
  sessionId: sessionOf(accessToken),
});

/** `ok`, or the code of the problem. */
export const outcomeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (thrown: Problem) => thrown.code ?? String(thrown),
  );

/** The number of calls per outcome. */
export async function tally(calls: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const outcomes = await Promise.all(calls.map(outcomeOf));
  return Object.fromEntries(
    [...new Set(outcomes)].sort().map((code) => [code, outcomes.filter((one) => one === code).length]),
  );
}
