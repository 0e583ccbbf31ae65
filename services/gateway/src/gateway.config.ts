import { Whole } from '#libs/contracts';
import { BaseConfig } from '#libs/platform';

/** The gateway's settings; each from the environment variable of its name in capitals (`jsonLimitBytes`: `JSON_LIMIT_BYTES`). */
export class GatewayConfig extends BaseConfig {
  @Whole({ max: 65_535 })
  override port: number = 8080;

  /** Largest JSON body. What NATS carries in one message is 1 MiB, and a call says more than its body. */
  @Whole({ min: 1_024, max: 1_000_000 })
  jsonLimitBytes: number = 1_000_000;

  /** Largest file of contacts. */
  @Whole({ min: 1_024 })
  importLimitBytes: number = 1024 ** 3;

  /** How many proxies of our own stand before the gateway, each adding to `X-Forwarded-For`. */
  @Whole({ max: 10 })
  trustedProxies: number = 0;

  /** Failed logins per address and email; ten times as many per address. */
  @Whole({ min: 1 })
  failedLoginsPerMinute: number = 30;

  /** Wrong refresh, invitation and reset tokens per address. */
  @Whole({ min: 1 })
  failedTokensPerMinute: number = 300;

  /** Per email; ten times as many per address. */
  @Whole({ min: 1 })
  passwordResetsPerMinute: number = 20;

  /** New accounts per address. */
  @Whole({ min: 1 })
  accountsPerMinute: number = 1_000;
}
