import { describe, it, expect } from '@jest/globals';
import type { LookupAddress } from 'node:dns';
import { addressOf, isPrivateHost, isPrivateUrl, isPublic, publicLookup } from './ssrf-guard.js';

describe('an address', () => {
  it.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700:4700::1111', '2a00:1450::1'])('%s is public', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  it.each([
    '127.0.0.1',
    '127.8.9.10',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'not-an-address',
  ])('%s is not public', (address) => {
    expect(isPublic(address)).toBe(false);
  });
});

describe('the host of a URL', () => {
  it.each([
    'http://127.0.0.1/hook',
    'http://2130706433/hook',
    'http://0x7f.1/hook',
    'http://0177.0.0.1/hook',
    'http://127.1/hook',
    'http://0/hook',
    'http://①②⑦.0.0.1/hook',
    'http://example.com@127.0.0.1/hook',
    'http://[::ffff:7f00:1]/hook',
    'http://[::]/hook',
    'http://[::1]:8080/',
    'http://[::ffff:10.0.0.1]/',
    'https://localhost/hook',
    'https://LOCALHOST./hook',
    'https://api.localhost/hook',
    'http://169.254.169.254/latest/meta-data',
  ])('is private in %s', (url) => {
    expect(isPrivateUrl(url)).toBe(true);
  });

  it.each(['https://example.com/hook', 'http://1.1.1.1:8080/', 'https://localhost.example.com/'])(
    'is public in %s',
    (url) => {
      expect(isPrivateUrl(url)).toBe(false);
    },
  );
});

describe('a name lookup', () => {
  const resolve = (name: string, all: boolean) =>
    new Promise<{ error: NodeJS.ErrnoException | null; found: string | LookupAddress[] }>((done) =>
      publicLookup(name, { all }, (error, found) => done({ error, found })),
    );

  it.each([true, false])('fails for a name with only private addresses (all: %s)', async (all) => {
    const { error, found } = await resolve('localhost', all);
    expect(error).toMatchObject({ code: 'closed-address' });
    expect(found).toEqual([]);
  });

  it.each([true, false])('returns public addresses (all: %s)', async (all) => {
    const { error, found } = await resolve('1.1.1.1', all);
    expect(error).toBeNull();
    expect(found).toEqual(all ? [{ address: '1.1.1.1', family: 4 }] : '1.1.1.1');
  });
});

describe('a host without a URL', () => {
  it.each(['127.0.0.1', '::1', '10.1.2.3', 'fe80::1', 'localhost', 'LocalHost.', 'ftp.localhost'])(
    '%s is private',
    (host) => expect(isPrivateHost(host)).toBe(true),
  );

  it.each(['1.1.1.1', '2606:4700:4700::1111', 'ftp.example.com', 'localhost.example.com'])('%s is public', (host) =>
    expect(isPrivateHost(host)).toBe(false),
  );
});

describe('the address to connect to', () => {
  it.each(['localhost', '127.0.0.1', '0x7f.1', '0177.1', '0', '2130706433'])('is refused for %s', async (host) => {
    await expect(addressOf(host, { allowPrivate: false })).rejects.toMatchObject({ code: 'closed-address' });
  });

  it('may be private if that is allowed', async () => {
    expect(await addressOf('127.0.0.1', { allowPrivate: true })).toBe('127.0.0.1');
  });

  it('is a public address unchanged', async () => {
    expect(await addressOf('1.1.1.1', { allowPrivate: false })).toBe('1.1.1.1');
  });
});
