/** Takes secrets out of what is logged: clients and configurations put them where no one looks for them. */

/** What comes before a secret, and the secret. None holds a character that JSON writes otherwise. */
const SECRETS = [
  // Credentials in a URL.
  /(:\/\/)[^\s"\\/@]+(?=@)/g,
  // Of the header Authorization. Messages speak of tokens too, in small letters.
  /\b((?:[Bb]asic|[Bb]earer|Token) )[\w.~+/=-]+/g,
  // Of a query.
  /([?&](?:[\w-]*token|[\w-]*key|password|secret|signature)=)[^\s"\\&]+/gi,
];

/** @param line text, or a line of JSON, which stays one */
export function redact(line: string): string {
  return SECRETS.reduce((text, secret) => text.replace(secret, '$1[redacted]'), line);
}
