import { Flag, Pattern } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class IntegrationsConfig extends ServiceConfig {
  /** Encrypts access tokens, grants of syncs and webhook secrets in the database. With another one they can't be read any more. */
  @Pattern(/^\S{32,500}$/, 'a random secret of 32 characters at least, without blanks')
  integrationsSecret: string;

  /** The secret that `integrationsSecret` replaces, while what it has encrypted is encrypted anew. */
  @Pattern(/^\S{32,500}$/, 'the secret that was in use before, 32 characters at least', { optional: true })
  integrationsSecretPrevious?: string;

  /** Webhooks may lead to loopback, link-local and private addresses. For installations that trust all their users. */
  @Flag()
  webhooksAllowPrivate: boolean = false;
}
