import { TestService } from '#libs/platform/testing';
import { ContactsConfig } from '../contacts.config.js';
import { ContactsModule, migrations } from '../contacts.module.js';

export const CONTACTS_SECRET = 'a-secret-for-tests-that-is-long-enough';

/** Starts the service; tests call it as the gateway does. */
export const startContacts = (env: Record<string, string> = {}) =>
  TestService.start({
    name: 'contacts',
    module: ContactsModule,
    migrations,
    config: ContactsConfig,
    identity: true,
    env: { CONTACTS_SECRET, ...env },
  });
