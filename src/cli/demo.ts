export function makeDemo(_: string): void {}
