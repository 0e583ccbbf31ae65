import { certificateFault } from '#libs/database';
import { UserError } from './prepare.mjs';

/**
 * For `catch` of work with a service's database: says what to do if the server is not trusted.
 * @param {string} name
 * @returns {(error: unknown) => never}
 */
export const explainDatabase = (name) => (error) => {
  const fault = certificateFault(error);
  if (!fault) throw error;
  throw new UserError(
    `PostgreSQL is not trusted for ${name}: ${fault}. sslrootcert in the address has to be the file with the certificate of its CA. ` +
      'See Certificates in docs/OPERATIONS.md.',
  );
};
