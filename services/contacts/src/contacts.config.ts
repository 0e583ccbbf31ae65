import { Flag, Pattern, Whole } from '#libs/contracts';
import { ServiceConfig } from '#libs/platform';

export class ContactsConfig extends ServiceConfig {
  @Pattern(/^\S{32,500}$/, 'a random secret of at least 32 characters without blanks', {
    about:
      'Random, at least 32 characters: encrypts the passwords of import sources in the database. With a wrong one they ' +
      'cannot be read.',
  })
  contactsSecret: string;

  @Pattern(/^\S{32,500}$/, 'the previous secret, at least 32 characters', {
    optional: true,
    about: 'The secret that `CONTACTS_SECRET` replaces, during [key rotation](OPERATIONS.md#key-rotation).',
  })
  contactsSecretPrevious?: string;

  @Flag({
    about:
      'Whether import sources may lead to loopback, link-local and private addresses; only where all users are trusted.',
  })
  importSourcesAllowPrivate: boolean = false;

  @Whole({ min: 1_024, about: 'Largest file of contacts in bytes; the gateway and contacts each enforce it.' })
  importLimitBytes: number = 1024 ** 3;
}
