import { Problem } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Log, safeErrorFields } from '#libs/observability';
import { PrivateAddressError } from '#libs/platform';
import { Injectable } from '@nestjs/common';
import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  type ClientAuth,
  type Configuration,
} from 'openid-client';
import { IdentityConfig } from '../../identity.config.js';
import type { Connection } from '../connection/connections.js';
import { providerFetch } from './provider-fetch.js';

/** How long metadata is used before the provider is asked again. New keys are fetched as soon as a token names one. */
const KEPT_MS = 10 * 60_000;
/** About 10 MB. */
const MAX_KEPT = 500;
const TIMEOUT_S = 10;
/** How far the provider's clock may be off. */
const CLOCK_TOLERANCE_S = 30;
const NEEDED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const;

export type Client = Pick<Connection, 'issuer' | 'clientId' | 'clientSecret'>;

interface Kept {
  until: number;
  version: number;
  provider: Promise<Configuration>;
}

/** Identity providers, as they describe themselves. Not in a transaction, because they are asked over the network. */
@Injectable()
export class Providers {
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly config: IdentityConfig,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** @throws Problem `sso-provider-refused` */
  of(connection: Connection): Promise<Configuration> {
    const { accountId, version } = connection;
    const known = this.kept.get(accountId);
    if (known && known.version === version && known.until > this.clock.millis()) return known.provider;
    const provider = this.discover(connection);
    this.kept.delete(accountId);
    if (this.kept.size >= MAX_KEPT) this.kept.delete(this.kept.keys().next().value!);
    const kept = { version, provider, until: this.clock.millis() + KEPT_MS };
    this.kept.set(accountId, kept);
    // The caller gets the refusal; the next one asks again.
    void provider.catch(() => this.kept.get(accountId) === kept && this.kept.delete(accountId));
    return provider;
  }

  /** @throws Problem `sso-provider-refused` if it cannot be reached, or is no OpenID provider that signs its tokens */
  async discover({ issuer, clientId, clientSecret }: Client): Promise<Configuration> {
    const { ssoAllowPrivate: allowPrivate } = this.config;
    if (!allowPrivate && !issuer.startsWith('https://')) throw refused('The issuer has to be an https URL.');
    const provider = await this.ask(() =>
      discovery(new URL(issuer), clientId, { [clockTolerance]: CLOCK_TOLERANCE_S }, authOf(clientSecret), {
        timeout: TIMEOUT_S,
        [customFetch]: providerFetch(allowPrivate),
        execute: allowPrivate ? [allowInsecureRequests] : [],
      }),
    );
    const metadata = provider.serverMetadata();
    for (const name of NEEDED) {
      const url = metadata[name];
      if (url === undefined) throw refused(`Its metadata has no ${name}.`);
      if (!allowPrivate && !url.startsWith('https://')) throw refused(`Its ${name} is not an https URL.`);
    }
    enableNonRepudiationChecks(provider);
    return provider;
  }

  private async ask(work: () => Promise<Configuration>): Promise<Configuration> {
    try {
      return await work();
    } catch (error) {
      this.log.warn(safeErrorFields(error), 'an identity provider could not be used');
      const isPrivate = [error, (error as Error).cause].some((one) => one instanceof PrivateAddressError);
      throw refused(isPrivate ? 'The issuer leads to a private address.' : NO_PROVIDER);
    }
  }
}

const NO_PROVIDER =
  'There is no answer like that of an OpenID provider at `/.well-known/openid-configuration` below the issuer.';
const refused = (detail: string) => new Problem('sso-provider-refused', { detail });

/** Providers that support only one way of sending the secret say so. */
function authOf(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None();
  const [basic, post] = [ClientSecretBasic(secret), ClientSecretPost(secret)];
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported;
    const way = methods?.includes('client_secret_post') && !methods.includes('client_secret_basic') ? post : basic;
    way(server, ...rest);
  };
}
