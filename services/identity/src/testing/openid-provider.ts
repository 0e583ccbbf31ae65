import { exportJWK, generateKeyPair, importJWK, SignJWT, type JWK, type JWTHeaderParameters } from 'jose';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Adapter, type AdapterPayload, type KoaContextWithOIDC } from 'oidc-provider';

export const CLIENT_ID = 'leaver';
export const CLIENT_SECRET = 'a-client-secret-of-the-tests';
const ALGORITHM = 'RS256';

/** What the provider says about a person. */
export interface ProviderPerson {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
}

type Claims = Record<string, unknown>;
interface Addresses {
  redirectUri: string;
  backchannelLogoutUri?: string;
}

/** A real OpenID provider on this machine, which signs people in without asking them, and can be told to lie. */
export class OpenIdProvider {
  /** Who sits in front of the browser. */
  person: ProviderPerson = { sub: 'nobody' };
  /** Changes the claims of the next ID tokens. */
  changeIdToken: ((claims: Claims) => Claims) | undefined;
  /** Whose key signs the changed ID tokens. */
  signer: OpenIdProvider = this;

  /** The provider's id of the session in which it has last signed somebody in. */
  private sid: string | undefined;

  private constructor(
    private readonly server: Server,
    private readonly provider: Provider,
    readonly issuer: string,
    private readonly key: JWK,
  ) {}

  static async start({ redirectUri, backchannelLogoutUri }: Addresses): Promise<OpenIdProvider> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    const key: JWK = { ...(await exportJWK(privateKey)), kid: 'key-1', use: 'sig', alg: ALGORITHM };
    const provider: Provider = new Provider(issuer, {
      adapter: (kind: string) => new Memory(kind),
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          redirect_uris: [redirectUri],
          ...(backchannelLogoutUri !== undefined && {
            backchannel_logout_uri: backchannelLogoutUri,
            backchannel_logout_session_required: true,
          }),
        },
      ],
      jwks: { keys: [key] },
      ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
      cookies: { keys: ['a-key-of-the-tests'] },
      claims: { email: ['email', 'email_verified'], profile: ['name'] },
      features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
      findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...running.person, sub }) }),
      interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
      loadExistingGrant: async ({ oidc }: KoaContextWithOIDC) => {
        const grant = new oidc.provider.Grant({ clientId: CLIENT_ID, accountId: oidc.session!.accountId! });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    });
    const running: OpenIdProvider = new OpenIdProvider(server, provider, issuer, key);
    provider.use(async (ctx, next) => {
      await next();
      const body = ctx.body as { id_token?: string } | undefined;
      if (ctx.path === '/token' && body?.id_token !== undefined)
        running.sid = claimsOf(body.id_token).sid as string | undefined;
      if (ctx.path === '/token' && body?.id_token !== undefined && running.changeIdToken)
        body.id_token = await running.signer.sign(running.changeIdToken(claimsOf(body.id_token)));
    });
    const answer = provider.callback();
    server.on('request', (request, response) => {
      if (!request.url!.startsWith('/interaction/')) return void answer(request, response);
      const login = { accountId: running.person.sub };
      void provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
    });
    return running;
  }

  /** Signs a token with the provider's key. */
  async sign(claims: Claims, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const key = await importJWK(this.key, ALGORITHM);
    return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid: this.key.kid!, ...header }).sign(key);
  }

  /** Tells us that the person has signed out there, in the session of the last sign-in. */
  async logOut(): Promise<void> {
    const client = await this.provider.Client.find(CLIENT_ID);
    // The types of the package do not declare the method with which it sends logout tokens.
    const sender = client as unknown as { backchannelLogout(sub: string, sid: string | undefined): Promise<void> };
    // It warns that it does not refuse addresses on this machine, which is what the tests need.
    const { console: output } = globalThis;
    const { warn } = output;
    output.warn = () => undefined;
    try {
      await sender.backchannelLogout(this.person.sub, this.sid);
    } finally {
      output.warn = warn;
    }
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as Claims;

const memory = new Map<string, AdapterPayload>();

/** What the provider stores, of all providers of a test. Their ids are random. */
class Memory implements Adapter {
  constructor(private readonly kind: string) {}

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    memory.set(this.key(id), payload);
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    return memory.get(this.key(id));
  }
  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return [...memory].find(([key, payload]) => key.startsWith(this.kind) && payload.uid === uid)?.[1];
  }
  async findByUserCode(): Promise<undefined> {
    return undefined;
  }
  async consume(id: string): Promise<void> {
    memory.get(this.key(id))!.consumed = true;
  }
  async destroy(id: string): Promise<void> {
    memory.delete(this.key(id));
  }
  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, payload] of memory) if (payload.grantId === grantId) memory.delete(key);
  }

  private key(id: string): string {
    return `${this.kind} ${id}`;
  }
}

/** Tests replace the global one by one that knows only our own API. */
const fetchPage = globalThis.fetch;

/** A browser with the cookies of one site, which stops where it would leave the site. */
export class SiteBrowser {
  private readonly cookies = new Map<string, string>();

  /** Follows redirects. @returns the first address of another site */
  async follow(start: string): Promise<URL> {
    const { origin } = new URL(start);
    let url = new URL(start);
    for (let steps = 0; url.origin === origin; steps++) {
      if (steps > 10) throw new Error('too many redirects');
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetchPage(url, { redirect: 'manual', headers: { cookie } });
      for (const line of answer.headers.getSetCookie()) this.keep(line);
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`${url.pathname} answered ${answer.status}: ${await answer.text()}`);
      url = new URL(location, url);
    }
    return url;
  }

  private keep(line: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
    if (value === '') this.cookies.delete(name!);
    else this.cookies.set(name!, value!);
  }
}
