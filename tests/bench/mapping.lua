-- For wrk: creates mappings, each with a name of its own (roundN-NUMBER).
local round = os.getenv("BENCH_ROUND")
local number = 0

function request()
    number = number + 1
    return wrk.format("POST", "/api2/json/cluster/mapping/pci",
                      {["Authorization"] = os.getenv("BENCH_AUTHORIZATION"),
                       ["Content-Type"] = "application/x-www-form-urlencoded"},
                      string.format("id=round%s-%d&map=node%%3Dbench%%2Cpath%%3D0000%%3A01%%3A00.0%%2Cid%%3D8086%%3A1592"
                                    .. "%%2Ciommugroup%%3D1", round, number))
end
