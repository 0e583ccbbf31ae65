/** What is used of the package, which comes without types. */
declare module 'autocannon' {
  interface Options {
    url: string;
    headers?: Record<string, string>;
    connections: number;
    /** Seconds. */
    duration: number;
    workers?: number;
  }
  interface Result {
    requests: { total: number };
    non2xx: number;
  }
  export default function autocannon(options: Options): Promise<Result>;
}
