import { Text, Url } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class MessagingConfig extends ServiceConfig {
  /** Where messages are posted to; unless set they go into a sandbox and reach nobody. */
  @Url({ optional: true })
  carrierUrl?: string;

  /** Bearer token for the carrier. */
  @Text({ optional: true, max: 500 })
  carrierToken?: string;
}
