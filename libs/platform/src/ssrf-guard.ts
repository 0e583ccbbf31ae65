import { lookup } from 'node:dns';
import { lookup as lookUp } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { assertNoOpenTransaction } from '#libs/database';

/** IPv4 ranges that are not on the public internet (IANA's special-purpose registry). */
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
/** The only public IPv6 range, … */
const PUBLIC_IPV6 = ['2000::', 3] as const;
/** … except for these: embedded IPv4 (Teredo, 6to4) and documentation ranges. */
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

/**
 * Whether a URL contains an IP address that is not public. Such a URL needs no DNS lookup, so `publicLookup` does not
 * see it.
 */
export function isPrivateAddress(url: string): boolean {
  const host = hostOf(url);
  return isIP(host) > 0 && !isPublic(host);
}

/** Whether a URL is recognisably private without a DNS lookup: its host is a private address or localhost. */
export const isPrivateUrl = (url: string): boolean => isPrivateHost(hostOf(url));

/** Like `isPrivateUrl`, for a host name or address. */
export function isPrivateHost(name: string): boolean {
  const host = name.toLowerCase().replace(/\.$/, '');
  return (isIP(host) > 0 && !isPublic(host)) || host === 'localhost' || host.endsWith('.localhost');
}

const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

/** A host given by a customer resolves only to private addresses. */
export class PrivateAddressError extends Error {
  readonly code = 'closed-address';
}

/**
 * A lookup that returns only public addresses. A client that uses it connects to exactly the address that was checked.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    const [first, ...others] = (found ?? []).filter(({ address }) => isPublic(address));
    if (error || !first) callback(error ?? new PrivateAddressError(), []);
    else if (options.all) callback(null, [first, ...others]);
    else callback(null, first.address, first.family);
  });
};

/**
 * Resolves a host for clients that accept no lookup function. Connect to the returned address, not to the name: only
 * the address was checked.
 * @throws PrivateAddressError when the host is not public; Error when it is unknown
 */
export async function addressOf(host: string, { allowPrivate }: { allowPrivate: boolean }): Promise<string> {
  assertNoOpenTransaction('dns');
  const found = await lookUp(host, { all: true });
  const usable = found.find(({ address }) => allowPrivate || isPublic(address));
  if (!usable) throw new PrivateAddressError();
  return usable.address;
}
