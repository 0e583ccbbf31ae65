import { Flag, Pattern } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class IntegrationsConfig extends ServiceConfig {
  @Pattern(/^\S{32,500}$/, 'a random secret of at least 32 characters without spaces', {
    about:
      'Random, at least 32 characters: encrypts access tokens, grants of syncs and webhook secrets in the database. With a ' +
      'different secret they cannot be decrypted.',
  })
  integrationsSecret: string;

  @Pattern(/^\S{32,500}$/, 'the previous secret, at least 32 characters', {
    optional: true,
    about: 'The secret that `INTEGRATIONS_SECRET` replaces, during [key rotation](OPERATIONS.md#key-rotation).',
  })
  integrationsSecretPrevious?: string;

  @Flag({
    about:
      'Whether webhooks may target loopback, link-local and private addresses. Enable only where all users are trusted.',
  })
  webhooksAllowPrivate: boolean = false;
}
