import chromium from '@sparticuz/chromium';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium as playwright, type Browser, type CDPSession, type Page } from 'playwright-core';

/** What the page has answered with, as it would be sent to us. */
export type Credential = Record<string, unknown> & { id: string };

/** A key as Chromium's virtual authenticator keeps it. */
export interface KeptKey {
  credentialId: string;
  isResidentCredential: boolean;
  rpId: string;
  privateKey: string;
  userHandle: string;
  signCount: number;
}

export interface Authenticator {
  /** What the browser does for a page that asks for a new passkey, or for a sign-in with one. */
  create: (publicKey: object) => Promise<Credential>;
  get: (publicKey: object) => Promise<Credential>;
  keys: () => Promise<KeptKey[]>;
  /** Puts a copy of a key into this authenticator. */
  copy: (key: KeptKey) => Promise<void>;
  verifiesUser: (does: boolean) => Promise<void>;
}

/** An empty page, at a port of its own. */
export class TestPage {
  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  static async serve(): Promise<TestPage> {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>Sign in</title>');
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    return new TestPage(server, `http://localhost:${(server.address() as AddressInfo).port}`);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Chromium with virtual authenticators, one for each page that is open. */
export class TestBrowser {
  private constructor(private readonly browser: Browser) {}

  static async start(): Promise<TestBrowser> {
    const executablePath = await chromium.executablePath();
    return new TestBrowser(await playwright.launch({ executablePath, args: chromium.args, headless: true }));
  }

  /** Opens the page with an authenticator of its own, which can verify who uses it, as with a finger. */
  async open({ origin }: Pick<TestPage, 'origin'>, { verifiesUser = true } = {}): Promise<Authenticator> {
    const page = await this.browser.newPage();
    // An address of the internet is answered here, too.
    if (!origin.startsWith('http://localhost'))
      await page.route(`${origin}/**`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
    await page.goto(origin);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('WebAuthn.enable');
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: verifiesUser },
        ...{ isUserVerified: verifiesUser, automaticPresenceSimulation: true },
      },
    });
    return authenticator(page, devtools, authenticatorId);
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}

const authenticator = (page: Page, devtools: CDPSession, authenticatorId: string): Authenticator => ({
  create: (publicKey) => page.evaluate(CREATE, publicKey) as Promise<Credential>,
  get: (publicKey) => page.evaluate(GET, publicKey) as Promise<Credential>,
  keys: async () => {
    const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId });
    return credentials as KeptKey[];
  },
  copy: async (credential) => void (await devtools.send('WebAuthn.addCredential', { authenticatorId, credential })),
  verifiesUser: async (isUserVerified) =>
    void (await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })),
});

/** They run in the page, whose types are not those of this project. */
const CREATE = new Function(
  'options',
  `return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    .then((credential) => credential.toJSON());`,
) as (options: object) => unknown;
const GET = new Function(
  'options',
  `return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
    .then((credential) => credential.toJSON());`,
) as (options: object) => unknown;
