import { Flag, Pattern } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class IntegrationsConfig extends ServiceConfig {
  @Pattern(/^\S{32,500}$/, 'a random secret of 32 characters at least, without blanks', {
    about:
      'Random, at least 32 characters: encrypts access tokens, grants of syncs and webhook secrets in the database. With a ' +
      'wrong one they cannot be read.',
  })
  integrationsSecret: string;

  @Pattern(/^\S{32,500}$/, 'the secret that was in use before, 32 characters at least', {
    optional: true,
    about: 'The secret that `INTEGRATIONS_SECRET` replaces, during [key rotation](OPERATIONS.md#key-rotation).',
  })
  integrationsSecretPrevious?: string;

  @Flag({
    about: 'Whether webhooks may lead to loopback, link-local and private addresses; only where all users are trusted.',
  })
  webhooksAllowPrivate: boolean = false;
}
