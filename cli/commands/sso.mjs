/** @import { Sso } from '#libs/contracts' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';

const PATH = '/v1/account/sso';
const USAGE = 'sso [verify]';

/** Setting it up decides who gets in, so no API token can, and with it not the command line. */
export const sso = defineCommand({
  usage: USAGE,
  about:
    'show the single sign-on of the account and what the provider and the DNS need; verify looks for the TXT records of its domains',
  args: 'any',
  run: async ({ args, limits, out, report }) => {
    const [verb, ...more] = args;
    if ((verb !== undefined && verb !== 'verify') || more.length > 0) throw usageError(`Usage: leaver ${USAGE}`);
    const api = await signedInClient(limits);
    /** @type {Sso} */
    const shown = verb === undefined ? await api.get(PATH) : await api.post(`${PATH}/verify-domains`);
    report(shown, () => show(out, shown));
    return shown.domains.every(({ verified }) => verified) ? EXIT.done : EXIT.failed;
  },
});

/**
 * @param {Terminal} out
 * @param {Sso} sso
 */
function show(out, sso) {
  out.line(`${sso.issuer}, client ${sso.clientId}${sso.hasClientSecret ? '' : ' without a secret'}`);
  out.line(`  passwords: ${sso.enforced ? `only that of ${sso.breakGlassOwnerId}` : 'as before'}`);
  out.line(`  people without an invitation: ${sso.justInTimeRole ?? 'not let in'}`);
  for (const { domain, verified, recordName, recordValue } of sso.domains)
    out.line(
      `  ${domain}: ${verified ? 'verified' : `not verified: set the TXT record ${recordName} to ${recordValue}`}`,
    );
  out.line(`  redirect URI: ${sso.redirectUri}`);
  out.line(`  back-channel logout: ${sso.backchannelLogoutUri}`);
  out.line(`  universal logout: ${sso.globalLogoutUri}`);
}
