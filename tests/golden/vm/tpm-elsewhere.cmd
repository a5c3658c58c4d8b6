error: tpmstate0: '/srv/tpm.raw' is not a volume of the storage 'local': make one there by tpmstate0=local:1,version=v2.0
