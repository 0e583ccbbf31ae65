import { Origin, Text, Whole } from '#libs/contracts';
import { BaseConfig } from '#libs/platform';

/**
 * The gateway's settings. Each comes from the environment variable with its name in upper case (`jsonLimitBytes`:
 * `JSON_LIMIT_BYTES`).
 */
export class GatewayConfig extends BaseConfig {
  @Whole({ max: 65_535, about: 'Port of the API and health, never of metrics; 0 takes any free port.' })
  override port: number = 3000;

  /** Clients reach the other port. */
  @Whole({ max: 65_535, about: 'Port of metrics; 0 takes any free port, which is logged.' })
  override metricsPort: number = 0;

  @Origin({
    optional: true,
    about:
      'Address at which clients reach the API, without a path, like `https://leaver.example.com`: see ' +
      '[public address](#public-address).',
  })
  publicUrl?: string;

  @Text({
    optional: true,
    max: 10_000,
    about:
      'Demo accounts that the sign-in page of the console offers, as JSON; `npm start` sets it. The gateway refuses to start with ' +
      'it unless only this machine can reach it.',
  })
  demoAccounts?: string;

  /** A NATS message holds up to 1 MiB, and a call carries more than its body. */
  @Whole({ min: 1_024, max: 1_000_000, about: 'Largest JSON body in bytes; at most 1,000,000.' })
  jsonLimitBytes: number = 1_000_000;

  @Whole({ min: 1_024, about: 'Largest file of contacts in bytes; the gateway and contacts each enforce it.' })
  importLimitBytes: number = 1024 ** 3;

  @Whole({
    max: 10,
    about: 'Number of trusted proxies in front of the gateway, each of which appends an address to `X-Forwarded-For`.',
  })
  trustedProxies: number = 0;

  @Whole({
    min: 1,
    about:
      'Failed logins per address and email; ten times as many per address, and per email. As many wrong passwords of a signed-in user.',
  })
  failedLoginsPerMinute: number = 30;

  @Whole({ min: 1, about: 'Wrong refresh, invitation, reset and SCIM tokens per address.' })
  failedTokensPerMinute: number = 300;

  @Whole({ min: 1, about: 'Password resets per email; ten times as many per address.' })
  passwordResetsPerMinute: number = 20;

  @Whole({ min: 1, about: 'Invitations that are sent again, per address.' })
  resentInvitationsPerMinute: number = 60;

  @Whole({ min: 1, about: 'New accounts per address.' })
  accountsPerMinute: number = 1_000;

  @Whole({ min: 1, about: 'Requests of a person.' })
  requestsPerPersonPerMinute: number = 12_000;

  @Whole({ min: 1, about: 'Requests of all people of an account.' })
  requestsPerAccountPerMinute: number = 120_000;

  @Whole({ min: 1, about: 'Requests without a token per address.' })
  publicRequestsPerMinute: number = 6_000;

  @Whole({ min: 1, about: 'Event streams that a person has open at one gateway.' })
  streamsPerPerson: number = 30;

  @Whole({ min: 1, about: 'Event streams that an account has open at one gateway.' })
  streamsPerAccount: number = 1_000;

  @Whole({ min: 1, about: 'Exports of a person that run at one gateway.' })
  exportsPerPerson: number = 3;

  @Whole({ min: 1, about: 'Exports of an account that run at one gateway.' })
  exportsPerAccount: number = 30;
}

/** The origin at which clients reach the API (scheme, host and port), or undefined if it is not configured. */
export const publicOrigin = ({ publicUrl }: GatewayConfig): string | undefined =>
  publicUrl && new URL(publicUrl).origin;
