import { SessionWatch } from '#libs/auth';
import {
  authenticate,
  SCOPES,
  SERVICE_AUDIENCE,
  sessionSnapshot,
  signingKeys,
  type Principal,
  type Role,
  type Scope,
  type SessionSnapshot,
} from '#libs/contracts';
import { SystemClock, type Clock } from '#libs/database';
import { startService, type Environment, type RunningService } from '#libs/platform';
import { eventually, serviceKeys, testBroker, type TestBroker } from '#libs/test-kit';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { randomUUID } from 'node:crypto';
import { gateway } from '../src/gateway.js';
import { SessionFeed } from './session-feed.js';
import { StandIns } from './stand-ins.js';

interface TokenClaims {
  userId: string;
  accountId: string;
  sessionId: string;
  epoch: number;
  roles: Role[];
  /** Seconds from now. */
  issuedAt: number;
  expiresAt: number;
  key: CryptoKey;
  kid: string;
  issuer: string;
  audience: string;
  scopes: readonly Scope[];
}

export interface TestKey {
  privateKey: CryptoKey;
  jwk: JWK;
}

export const anId = (): string => randomUUID();

export async function aKey(kid: string): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' } };
}

/** A gateway with its own broker and fake services. */
export class World {
  private readonly gateways: RunningService[] = [];
  /** The keys that the fake identity service publishes. */
  jwks: Record<string, unknown>[];
  introspected: { token: string }[];
  introspection: Principal | null = null;
  snapshot: SessionSnapshot = { epochs: [], sessions: [], at: '1', more: false };

  readonly feed: SessionFeed;

  private constructor(
    readonly broker: TestBroker,
    readonly services: StandIns,
    readonly key: TestKey,
  ) {
    this.feed = new SessionFeed(services.nats);
  }

  static async create({ env = {}, clock }: { env?: Environment; clock?: Clock } = {}): Promise<World> {
    const broker = await testBroker();
    const world = new World(broker, await StandIns.connect(broker.url), await aKey('key-1'));
    world.jwks = [world.key.jwk];
    world.services.answer(signingKeys, () => ({ keys: world.jwks }));
    world.answerSnapshots();
    world.introspected = world.services.answer(authenticate, async () => {
      const found = world.introspection;
      return found && { ...found, accessToken: await world.tokenOf(found) };
    });
    await world.addGateway(env, clock);
    return world;
  }

  /** Starts another replica and waits until it is ready. @returns its URL */
  async addGateway(env: Environment = {}, clock: Clock = new SystemClock()): Promise<string> {
    const url = await this.startGateway(env, clock);
    await eventually(async () => (await fetch(`${url}/health/ready`)).status === 200);
    const watch = this.gateways.at(-1)!.app.get(SessionWatch, { strict: false });
    await eventually(() => watch.fresh);
    return url;
  }

  async startGateway(env: Environment = {}, clock: Clock = new SystemClock()): Promise<string> {
    const settings = { NATS_URL: this.broker.url, PORT: '0', LOG_LEVEL: 'silent', ...serviceKeys('gateway'), ...env };
    const running = await startService({ ...gateway, env: settings, clock });
    this.gateways.push(running);
    return `http://127.0.0.1:${running.port}`;
  }

  /** @returns the requests received from now on; the list grows */
  answerSnapshots(): { since: string | null }[] {
    return this.services.answer(sessionSnapshot, () => ({ time: Date.now(), ...this.snapshot }));
  }

  get url(): string {
    return `http://127.0.0.1:${this.gateways[0]!.port}`;
  }

  /** Metrics have a port of their own. */
  get metricsUrl(): string {
    return `http://127.0.0.1:${this.gateways[0]!.metricsPort}/metrics`;
  }

  /** A token as identity issues it for calls between services. */
  private tokenOf({ sessionId, roles, ...principal }: Principal): Promise<string> {
    const ofApiToken = sessionId === undefined && { scopes: SCOPES, audience: SERVICE_AUDIENCE };
    return this.token({ ...ofApiToken, ...principal, sessionId, roles: [...roles] });
  }

  async token(overrides: Partial<TokenClaims> = {}): Promise<string> {
    const claims = {
      userId: anId(),
      accountId: anId(),
      sessionId: anId(),
      epoch: 1,
      roles: ['owner' as Role],
      issuer: 'leaver',
      ...overrides,
    };
    const now = Math.floor(Date.now() / 1_000);
    const { accountId: acc, roles, sessionId: sid, epoch: ep, audience: aud, scopes } = claims;
    return new SignJWT({ acc, roles, sid, ep, ...(aud && { aud, scopes }) })
      .setProtectedHeader({ alg: 'EdDSA', kid: claims.kid ?? 'key-1' })
      .setSubject(claims.userId)
      .setIssuer(claims.issuer)
      .setIssuedAt(now + (claims.issuedAt ?? 0))
      .setExpirationTime(now + (claims.expiresAt ?? 300))
      .sign(claims.key ?? this.key.privateKey);
  }

  /** Sends a request, as a signed-in owner unless the headers say otherwise. `json` is the body as a value. */
  async request(
    method: string,
    path: string,
    { json, headers = {}, ...rest }: RequestInit & { json?: unknown } = {},
  ): Promise<Response> {
    const given = new Headers(headers);
    if (!given.has('authorization')) given.set('authorization', `Bearer ${await this.token()}`);
    if (json !== undefined) given.set('content-type', 'application/json');
    await this.services.settled();
    return fetch(`${this.url}${path}`, {
      method,
      headers: given,
      body: json === undefined ? undefined : JSON.stringify(json),
      ...rest,
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
    this.feed.pause();
    await this.services.close();
    await this.broker.stop();
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each test knows the shape of its response
export const bodyOf = async (answer: Response): Promise<any> => answer.json();
