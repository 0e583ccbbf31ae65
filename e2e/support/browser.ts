interface Login {
  email: string;
  password: string;
}

/** Signs in like a page of ours. @returns the headers with which its requests are sent */
export async function signInFromBrowser(
  url: string,
  login: Login,
): Promise<{ cookie: string; 'x-csrf-token': string }> {
  const answer = await fetch(`${url}/v1/auth/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(login),
  });
  const { csrfToken } = (await answer.json()) as { csrfToken: string };
  return { cookie: answer.headers.getSetCookie()[0]!.split(';', 1)[0]!, 'x-csrf-token': csrfToken };
}
