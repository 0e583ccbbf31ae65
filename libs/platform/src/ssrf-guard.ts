import { lookup } from 'node:dns';
import { lookup as lookUp } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { assertNoOpenTransaction } from '#libs/database';

/** IPv4 that does not lead to the public internet (IANA's special-purpose registry). */
const PRIVATE_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;
/** IPv6 is public only in here … */
const PUBLIC_IPV6 = ['2000::', 3] as const;
/** … and not even there where it is a wrapping of IPv4 (Teredo, 6to4) or for documentation. */
const PRIVATE_IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const privateRanges = new BlockList();
for (const [net, prefix] of PRIVATE_IPV4) privateRanges.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of PRIVATE_IPV6) privateRanges.addSubnet(net, prefix, 'ipv6');
const publicRanges = new BlockList();
publicRanges.addSubnet(...PUBLIC_IPV6, 'ipv6');

export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !privateRanges.check(address, 'ipv4');
  return (
    isIP(address) === 6 &&
    !address.includes('%') &&
    publicRanges.check(address, 'ipv6') &&
    !privateRanges.check(address, 'ipv6')
  );
}

/** Whether a URL names an address, not a host, and one that is not public. Nobody looks it up, so it is checked here. */
export function isPrivateAddress(url: string): boolean {
  const host = hostOf(url);
  return isIP(host) > 0 && !isPublic(host);
}

/** What can be told of a URL without asking: that it leads to such an address, or to this very machine. */
export const isPrivateUrl = (url: string): boolean => isPrivateHost(hostOf(url));

/** The same of a host's name or address alone. */
export function isPrivateHost(name: string): boolean {
  const host = name.toLowerCase().replace(/\.$/, '');
  return (isIP(host) > 0 && !isPublic(host)) || host === 'localhost' || host.endsWith('.localhost');
}

const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

/** A host that a customer named leads where none may lead. */
export class PrivateAddressError extends Error {
  readonly code = 'closed-address';
}

/** Resolves a name to its public addresses only. What connects with it connects to exactly what was checked. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    const [first, ...others] = (found ?? []).filter(({ address }) => isPublic(address));
    if (error || !first) callback(error ?? new PrivateAddressError(), []);
    else if (options.all) callback(null, [first, ...others]);
    else callback(null, first.address, first.family);
  });
};

/**
 * The address to connect to, for clients that take no lookup function of their own. Whoever connects to it, and not to the
 * name, connects to what was checked.
 * @throws PrivateAddressError when the host is not public; Error when it is not known
 */
export async function addressOf(host: string, { allowPrivate }: { allowPrivate: boolean }): Promise<string> {
  assertNoOpenTransaction('dns');
  const found = await lookUp(host, { all: true });
  const usable = found.find(({ address }) => allowPrivate || isPublic(address));
  if (!usable) throw new PrivateAddressError();
  return usable.address;
}
