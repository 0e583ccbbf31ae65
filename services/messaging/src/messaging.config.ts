import { Text, Url } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class MessagingConfig extends ServiceConfig {
  @Url({
    optional: true,
    about: 'The URL that messages are posted to. Without it they are stored in a sandbox and reach nobody.',
  })
  carrierUrl?: string;

  @Text({ optional: true, max: 500, about: 'Bearer token for the carrier.' })
  carrierToken?: string;
}
