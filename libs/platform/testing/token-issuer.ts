import { closeNats, connectNats, withToken } from '#libs/broker';
import {
  authenticate,
  NOBODY,
  SCOPES,
  SERVICE_AUDIENCE,
  sessionSnapshot,
  signingKeys,
  type Ask,
  type Introspected,
  type Principal,
  type Role,
  type Scope,
} from '#libs/contracts';
import { SystemClock, type Clock } from '#libs/database';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';

const KID = 'key-1';

/**
 * Stands for identity where only tokens matter: issues them, publishes the key, and answers that every token it has
 * issued is valid.
 */
export class TokenIssuer {
  private constructor(
    private readonly nats: NatsConnection,
    private readonly key: CryptoKey,
    private readonly clock: Clock,
  ) {}

  static async start(brokerUrl: string, clock: Clock = new SystemClock()): Promise<TokenIssuer> {
    const nats = await connectNats({ url: brokerUrl, name: 'token-issuer' });
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: KID, alg: 'EdDSA', use: 'sig' };
    const issuer = new TokenIssuer(nats, privateKey, clock);
    issuer.answer(signingKeys, () => ({ keys: [{ ...jwk }], retired: [] }));
    issuer.answer(sessionSnapshot, () => ({ epochs: [], sessions: [], at: '1', more: false, time: Date.now() }));
    issuer.answer(authenticate, ({ token }) => principalIn(token));
    await nats.flush();
    return issuer;
  }

  /** The same principal with a token, as if it came from a verified one. */
  async signed(principal: Principal): Promise<Principal> {
    if (principal === NOBODY) return NOBODY;
    const { accountId, userId, roles, sessionId, scopes = SCOPES } = principal;
    const now = Math.floor(this.clock.millis() / 1_000);
    const token = await new SignJWT({
      ...{ acc: accountId, roles, ep: 0 },
      ...(sessionId === undefined ? { aud: SERVICE_AUDIENCE, scopes } : { sid: sessionId }),
    })
      .setProtectedHeader({ alg: 'EdDSA', kid: KID })
      .setSubject(userId)
      .setIssuer('leaver')
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(this.key);
    return withToken({ ...principal }, token);
  }

  close(): Promise<void> {
    return closeNats(this.nats);
  }

  private answer<Request, Answer>({ subject }: Ask<Request, Answer>, answer: (request: Request) => Answer): void {
    const callback = (_error: unknown, message: Msg) => {
      const { data } = message.json<{ data: Request }>();
      message.respond(JSON.stringify({ response: answer(data), isDisposed: true, id: '0' }));
    };
    this.nats.subscribe(subject, { callback });
  }
}

function principalIn(token: string): Introspected {
  const { sub, acc, roles, sid, scopes } = decodeJwt<{ acc: string; roles: Role[]; sid?: string; scopes?: Scope[] }>(
    token,
  );
  return { accountId: acc, userId: sub!, roles, ...(sid === undefined ? { scopes } : { sessionId: sid }) };
}
